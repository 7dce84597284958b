package run

import (
	"context"
	"fmt"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// Split is a decision that one host kept and another took back, because nobody was there to bring them in line.
type Split struct {
	Kept, Back string // the hosts
	kept, back int    // the revisions of the answers that lie on them
	id         string // of the change that was kept
}

// Words say what there is, and what can be done about it.
func (s *Split) Words() string {
	has := fmt.Sprintf("answers %d", s.back)
	if s.back == 0 {
		has = "none"
	}
	return fmt.Sprintf("%s has answers %d, %s has %s: the last change was kept on one host and taken back on the other; "+
		"finish it with 'postern apply', or take it back on %s with 'postern undo --last'", s.Kept, s.kept, s.Back, has, s.Kept)
}

// partOf is the ID of one host's part of a decision, and sameDecision whether two are of the same one.
func partOf(decision string, host int) string { return fmt.Sprintf("%s%c", decision, 'A'+host) }

func sameDecision(a, b string) bool {
	n := len(a) - 1
	return n > 0 && len(b) == n+1 && a != b && a[:n] == b[:n]
}

// splitReads is what must be asked of hosts to know of a Split.
var splitReads = []remote.Query{remote.ReadFile(remote.AnswersPath), remote.ReadStatus}

// splitOf finds what the hosts' last decision left, nil when they agree, or one of them has not decided yet.
func splitOf(s *site.Site, look steps.Look) *Split {
	for _, kept := range s.Hosts {
		for _, back := range s.Hosts {
			a, b := standing(look, kept.Name), standing(look, back.Name)
			if a.Held() || b.Held() || len(a.Ended) == 0 || len(b.Ended) == 0 {
				continue
			}
			if was, is := b.Ended[0], a.Ended[0]; is.Kept && !was.Kept && sameDecision(is.ID, was.ID) {
				return &Split{Kept: kept.Name, Back: back.Name, kept: revisionOn(look, kept), back: revisionOn(look, back), id: is.ID}
			}
		}
	}
	return nil
}

// revisionOn is the revision of the answers that lie on a host, 0 for none.
func revisionOn(look steps.Look, h *site.Host) int {
	facts := look[h.Name]
	if file, _ := facts.File(remote.AnswersPath); file != nil {
		if left, err := site.Parse(file.Text); err == nil {
			return left.Revision
		}
	}
	return 0
}

// tellSplit says so when the hosts do not agree.
func (r *Runner) tellSplit(split *Split) {
	if split != nil {
		r.emit(steps.Event{Kind: "warn", Host: split.Kept, Text: split.Words()})
	}
}

// LastSplit looks for a change that one host kept and another took back; nil when there is none.
func (r *Runner) LastSplit(ctx context.Context) (*Split, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	if err := r.unreachable(); err != nil {
		return nil, err
	}
	for round := 1; ; round++ {
		look, err := r.look(ctx, func(*site.Host) []remote.Query { return splitReads })
		if err != nil {
			return nil, err
		}
		open := opened(r.Site, look)
		if len(open) == 0 || round > 4 {
			return splitOf(r.Site, look), nil
		}
		if err := r.tidy(ctx, open); err != nil {
			return nil, err
		}
	}
}

// UndoSplit takes the change back where it was kept, from the snapshot that the host has of it, and proves by a new login that one
// can still get in.
func (r *Runner) UndoSplit(ctx context.Context, split *Split) error {
	h := r.hosts[split.Kept]
	if err := h.session.Revert(ctx, split.id); err != nil {
		return named(h.name, "going back", err)
	}
	r.emit(steps.Event{Kind: "rollback", Host: h.name, Text: "undone from its snapshot, because the other host went back"})
	anew, err := r.enter(ctx, h.target)
	if err != nil {
		return named(h.name, "it is as it was before, but no new login works", err)
	}
	h.session.Close()
	h.session = anew
	return nil
}
