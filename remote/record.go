package remote

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Record is what a host remembers of one change that is in effect: what was there before us, and how to take it back.
type Record struct {
	ID, Step, Title string
	Path            string // the file; empty for a change that only runs
	Original        *File  // before our first touch, secrets redacted; nil means absent
	Do, Undo, Keep  string // the last Do and Keep, the first Undo
	Risk            Risk
	Inert           bool   // made by Prepare
	Touched         bool   // the file is not as we left it: somebody else edited it since
	First           string // the transaction that touched it first
	order           int
	original        string // where the host keeps it
}

// Restore is the change that brings back, byte for byte, what was there before us; current is the file as it is now, nil when
// it is absent. Confirming it makes the host forget the record.
func (r Record) Restore(current *File) Change {
	c := Change{ID: r.ID, Step: r.Step, Title: "take back: " + r.Title, Path: r.Path, Do: r.Undo, Undo: join(r.Do, r.Keep),
		Forget: true, Risk: r.Risk}
	if r.Path != "" {
		c.Old, c.New = current, r.Original
	}
	return c
}

// join makes one script of two.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// Recorded asks the host for every change of ours that is in effect, in the order they were first made. It writes nothing,
// and takes two exchanges when a file was there before us. Where records cannot be read because somebody is changing the host, the error
// is *ErrLocked.
func (s *Session) Recorded(ctx context.Context) ([]Record, error) {
	for last := false; ; last = true {
		list, err := s.recorded(ctx)
		if last || !errors.Is(err, errRecords) {
			return list, err
		}
		st, asked := s.Status(ctx)
		if asked == nil && st.Held() {
			return nil, &ErrLocked{Owner: st.Owner}
		}
	}
}

var errRecords = errors.New("the host's records cannot be read")

func (s *Session) recorded(ctx context.Context) ([]Record, error) {
	r, err := s.sh(ctx, "set -- recorded\n"+s.agent(), nil)
	if err != nil {
		return nil, err
	}
	if r.Cut || !strings.Contains(r.Out, "result recorded") {
		return nil, errRecords
	}
	list := parseRecords(r.Out)
	var reads []Query
	for _, rec := range list {
		if rec.original != "" {
			reads = append(reads, ReadFile(rec.original))
		}
	}
	if len(reads) == 0 {
		return list, nil
	}
	facts, err := s.Facts(ctx, reads)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].original == "" {
			continue
		}
		file, known := facts.File(list[i].original)
		if !known || file == nil {
			return nil, fmt.Errorf("%w: what was in %s before us is not there", errRecords, list[i].Path)
		}
		list[i].Original = file
	}
	return list, nil
}

// parseRecords reads what the agent prints: a line "record" before each, then lines of a word and a text; a word that comes
// again goes on with its text.
func parseRecords(out string) []Record {
	var list []Record
	var fields map[string][]string
	flush := func() {
		if fields == nil {
			return
		}
		get := func(word string) string { return strings.Join(fields[word], "\n") }
		rec := Record{ID: get("cid"), Step: get("step"), Title: Clean(get("title")).Line(300), Path: get("path"), Do: get("run"),
			Undo: get("undo"), Keep: get("keep"), Risk: Risk(get("risk")), First: get("first"), original: get("orig")}
		_, rec.Inert = fields["inert"]
		_, rec.Touched = fields["touched"]
		rec.order, _ = strconv.Atoi(get("seq"))
		list = append(list, rec)
	}
	for line := range strings.Lines(out) {
		word, rest, has := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case word == "record" && !has, word == "result":
			flush()
			fields = map[string][]string{}
		case fields != nil && has:
			fields[word] = append(fields[word], rest)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].order < list[j].order })
	return list
}
