package pf

import (
	"slices"
	"strings"
)

// filter takes the packet through rules of the filter, and says whether it surely ended there.
func (w *walk) filter(list []Statement, anchor string, depth int) (ended bool) {
	for i := range list {
		st := &list[i]
		if st.Kind == Unread && !st.is(translating) && !st.is(idle) {
			w.stray("line that cannot be read: " + st.Text)
		}
		if st.Kind != Filter {
			continue
		}
		for _, r := range st.Rules {
			if *w.budget--; *w.budget < 0 {
				return true
			}
			if w.rule(r, anchor, depth) {
				return true
			}
		}
	}
	return false
}

// What statements that could not be read surely are by their first words: those that translate, those that filter, and those that
// do nothing to a packet. All others may do anything.
var (
	translating = set("nat rdr binat nat-anchor rdr-anchor binat-anchor")
	filtering   = set("pass block match scrub anchor antispoof")
	idle        = set("table queue altq")
)

func (st *Statement) is(words map[string]bool) bool {
	first, _, _ := strings.Cut(st.Text, " ")
	return words[first]
}

// stray notes that anything may have become of the packet.
func (w *walk) stray(why string) {
	w.final = append(w.final, outcome{verdict: Unknown, why: why})
	w.hit = max(w.hit, maybe)
}

// rule takes the packet through one rule.
func (w *walk) rule(r *Rule, anchor string, depth int) (ended bool) {
	fits := w.fits(r, anchor)
	switch {
	case fits == no || r.Action == "scrub":
		return false
	case r.Action == "anchor":
		return w.enter(r, fits, anchor, depth)
	case r.Action == "match":
		if r.Pool != nil {
			w.packet = w.lost()
		}
		return false
	}
	w.hit = max(w.hit, fits)
	if r.Pool != nil { // rdr-to or nat-to: where it goes is not followed
		w.moved = true
	}
	o := outcome{verdict: Pass, rule: r, anchor: anchor}
	if r.Action == "block" {
		o.verdict = Block
	}
	switch {
	case r.Quick && fits == yes:
		w.final, w.now = append(w.final, o), nil
		return true
	case r.Quick:
		w.final = join(w.final, o)
	case fits == yes:
		w.now = []outcome{o}
	default:
		w.now = join(w.now, o)
	}
	return false
}

// join adds a way to end where none is there yet with its verdict: before those that are, as the last is the likely one.
func join(list []outcome, o outcome) []outcome {
	if slices.ContainsFunc(list, func(other outcome) bool { return other.verdict == o.verdict }) {
		return list
	}
	return append([]outcome{o}, list...)
}

// enter takes the packet through the rules of an anchor.
func (w *walk) enter(r *Rule, fits truth, anchor string, depth int) (ended bool) {
	before, hit := slices.Clone(w.now), w.hit
	w.hit = no
	ended = w.inside(r, anchor, depth, func(s *Ruleset, path string) bool { return w.filter(s.Statements, path, depth+1) })
	switch {
	case ended:
	case r.Quick && w.hit == yes:
		w.final, w.now, ended = append(w.final, w.now...), nil, true
	case r.Quick && w.hit == maybe:
		w.final = append(w.final, w.now...)
	}
	if fits == maybe {
		for _, o := range w.now {
			before = join(before, o)
		}
		w.now, w.hit, ended = before, min(w.hit, maybe), false
	}
	w.hit = max(w.hit, hit)
	return ended
}

// inside has each of the rulesets walked that an anchor stands for: its own, or that of its path, or of all below it by their names.
func (w *walk) inside(r *Rule, anchor string, depth int, each func(*Ruleset, string) bool) (ended bool) {
	path, _ := strings.CutPrefix(r.Anchor, "/")
	if path == r.Anchor && anchor != "" {
		path = anchor + "/" + path
	}
	parent, wild := strings.CutSuffix(path, "/*")
	if wild && r.Body != nil {
		path = parent
	}
	switch {
	case depth >= maxDepth, r.Anchor == "/*", strings.Contains(path, ".."):
		w.stray("which anchors these are is not known: " + r.Text)
		return false
	case r.Body != nil:
		return each(r.Body, path)
	case !wild:
		if s := w.anchor(path); s != nil {
			return each(s, path)
		}
	}
	if !w.host.Listed {
		w.stray("what the anchor " + path + " holds is not known")
	}
	if !wild {
		return false
	}
	for _, name := range w.below(parent) {
		if each(w.anchor(name), name) {
			return true
		}
	}
	return false
}

func (w *walk) anchor(path string) *Ruleset {
	if s := w.host.Anchors[path]; s != nil {
		return s
	}
	return w.loaded[path]
}

// below are the anchors right below one, in the order in which they are walked: by name.
func (w *walk) below(parent string) (all []string) {
	for _, m := range []map[string]*Ruleset{w.host.Anchors, w.loaded} {
		for path := range m {
			rest, ok := strings.CutPrefix(path, parent+"/")
			if ok && !strings.Contains(rest, "/") && !slices.Contains(all, path) && m[path] != nil {
				all = append(all, path)
			}
		}
	}
	slices.Sort(all)
	return all
}
