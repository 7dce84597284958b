package run

import (
	"slices"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// One file of a host that two chapters write is written by one after the other.
func TestWaitsForTheChapterBefore(t *testing.T) {
	part := func(host string, inert, last bool, paths ...string) steps.Part {
		p := steps.Part{Host: host, Inert: inert, Last: last}
		for _, path := range paths {
			p.Changes = append(p.Changes, remote.Change{ID: path, Title: "write " + path, Path: path, New: &remote.File{}})
		}
		return p
	}
	p := &Proposal{Site: site.Default(), Plans: []steps.Plan{
		{Step: "one", Parts: []steps.Part{part("mail", false, false, "/etc/a")}},
		{Step: "two", Parts: []steps.Part{part("proxy", false, false, "/etc/a"), part("mail", true, false, "/etc/key")}, After: []string{"it is so"}},
		{Step: "three", Parts: []steps.Part{part("mail", true, false, "/etc/key"), part("mail", false, false, "/etc/b", "/etc/a"), part("proxy", false, false, "/etc/c"), part("proxy", true, true, "/etc/d")}, After: []string{"it is so"}},
	}}
	p.wait()
	if !p.waiting || len(p.Plans[0].Parts) != 1 || len(p.Plans[1].Parts) != 2 || len(p.Plans[1].After) != 1 {
		t.Errorf("who waits for nobody: %+v", p.Plans[:2])
	}
	three := p.Plans[2]
	if len(three.Parts) != 1 || !three.Parts[0].Inert || len(three.After) > 0 ||
		!slices.Equal(three.Then, []string{"mail: write /etc/b", "mail: write /etc/a", "proxy: write /etc/c", "proxy: write /etc/d"}) {
		t.Errorf("who waits: %+v", three)
	}
}

// What is underneath comes back after what lies on it, and not alone.
func TestUndoTakesTheUpperFirst(t *testing.T) {
	records := map[string][]remote.Record{"mail": {{Step: "haraka", Path: "/etc/a"}, {Step: "haraka", Path: "/etc/b"}, {Step: "caddy", Path: "/etc/a"}, {Step: "caddy"}}}
	haraka, caddy := steps.Step{ID: "haraka"}, steps.Step{ID: "caddy"}
	if waits, refused := underneath(caddy, []steps.Step{caddy}, records); waits || refused != nil {
		t.Errorf("the upper one waits: %v", refused)
	}
	if waits, refused := underneath(haraka, []steps.Step{haraka, caddy}, records); !waits || refused != nil {
		t.Errorf("the lower one does not wait: %v", refused)
	}
	if waits, refused := underneath(haraka, []steps.Step{haraka}, records); !waits || len(refused) != 1 || !strings.Contains(refused[0], "postern undo caddy haraka") {
		t.Errorf("alone: %v, %v", waits, refused)
	}
}
