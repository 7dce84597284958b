package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"postern/checks"
	"postern/steps"
)

// headings are the headings of the guide: "chapter, Heading" each.
func headings(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(top + "/docs/guide-headings.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, l := range strings.Split(string(text), "\n") {
		if l != "" && !strings.HasPrefix(l, "#") {
			known[l] = true
		}
	}
	if len(known) < 40 {
		t.Fatalf("only %d headings", len(known))
	}
	return known
}

// cited says whether a citation begins with a heading of the guide, or is an RFC.
func cited(known map[string]bool, citation string) bool {
	if regexp.MustCompile(`^RFC \d+`).MatchString(citation) {
		return true
	}
	for heading := range known {
		if rest, ok := strings.CutPrefix(citation, heading); ok && (rest == "" || !regexp.MustCompile(`^[A-Za-z]`).MatchString(rest)) {
			return true
		}
	}
	return false
}

func TestGuideIsCitedByItsHeadings(t *testing.T) {
	known := headings(t)
	citation := regexp.MustCompile(`guide: ((?:network|firewall|wireguard|mailcow|dns|haraka|caddy), [A-Z][^;\n"]*)`)
	any := regexp.MustCompile(`\bguide: ([a-z]+)`)
	found := 0
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "cite_test.go") {
			continue
		}
		for i, line := range strings.Split(s.text, "\n") {
			for _, m := range citation.FindAllStringSubmatch(line, -1) {
				found++
				if !cited(known, m[1]) {
					t.Errorf("%s:%d: the guide has no heading %q (docs/guide-headings.txt)", s.path, i+1, m[1])
				}
			}
			if m := any.FindStringSubmatch(line); m != nil && strings.Contains(line, "//") && !citation.MatchString(line) {
				t.Errorf("%s:%d: cite the guide as %q", s.path, i+1, "guide: chapter, Heading")
			}
		}
	}
	if found == 0 {
		t.Error("no rule cites the guide")
	}
}

func TestStepsAndChecksSayWhereTheyComeFrom(t *testing.T) {
	known := headings(t)
	for _, s := range steps.All() {
		if !cited(known, s.Guide) {
			t.Errorf("step %s: the guide has no heading %q", s.ID, s.Guide)
		}
	}
	for _, c := range checks.All() {
		if !cited(known, c.Guide) {
			t.Errorf("check %s: the guide has no heading %q, and no RFC is named", c.ID, c.Guide)
		}
	}
}
