package checks

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"postern/remote"
)

// told makes results of lines: ID@from outcome, what it rests on, and whatever word of it matters.
func told(lines ...string) (list []Result) {
	for _, line := range lines {
		f := strings.Fields(line)
		r := Result{Outcome: Outcome(f[1]), Likely: line, Rests: []string{}}
		r.ID, r.From, _ = strings.Cut(f[0], "@")
		for _, word := range f[2:] {
			switch {
			case word == "grave":
				r.Grave = true
			case strings.HasPrefix(word, "likely="):
				r.Likely = word
			case strings.HasPrefix(word, "saw="):
				r.Saw = remote.Clean(word)
			default:
				r.Rests = append(r.Rests, word)
			}
		}
		list = append(list, r)
	}
	return list
}

// drawn is causes in one line each.
func drawn(list []Cause) string {
	var lines []string
	for _, c := range list {
		var keys []string
		for _, r := range c.Follows {
			keys = append(keys, r.Key())
		}
		lines = append(lines, strings.TrimSpace(c.Key()+": "+strings.Join(keys, " ")))
	}
	return strings.Join(lines, "\n")
}

func TestCauses(t *testing.T) {
	for name, c := range map[string]struct{ results, want []string }{
		"what follows stands under it, over several steps": {
			[]string{"unit@mail fail", "shake@mail fail unit", "tcp@proxy fail shake", "open@here fail tcp"}, []string{"unit@mail: shake@mail tcp@proxy open@here"}},
		"the same place first": {
			[]string{"rules@mail fail", "rules@proxy fail", "boot@proxy fail rules"}, []string{"rules@mail:", "rules@proxy: boot@proxy"}},
		"or any": {[]string{"rules@mail fail", "rules@proxy ok", "boot@proxy fail rules"}, []string{"rules@mail: boot@proxy"}},
		"only the same place": {
			[]string{"ssh@mail unknown", "clock@proxy unknown ssh@", "clock@mail unknown ssh@"}, []string{"ssh@mail: clock@mail", "clock@proxy:"}},
		"a place by its name": {[]string{"rules@mail fail", "rules@proxy ok", "open@here fail rules@proxy"}, []string{"rules@mail:", "open@here:"}},
		"two faults":          {[]string{"unit@mail fail", "rules@proxy fail", "imaps@here fail unit", "smtp@here fail rules@proxy"}, []string{"unit@mail: imaps@here", "rules@proxy: smtp@here"}},
		"the nearest":         {[]string{"unit@mail fail", "rules@proxy fail", "imaps@here fail rules@proxy unit"}, []string{"unit@mail:", "rules@proxy: imaps@here"}},
		"a part by its check": {[]string{"open.smtp@here fail", "answers@here unknown open"}, []string{"open.smtp@here: answers@here"}},
		"a warning explains no failure": {
			[]string{"clock@mail warn", "shake@mail fail clock", "ways@mail warn clock"}, []string{"shake@mail:", "clock@mail: ways@mail"}},
		"what was not asked explains no failure, unless it stands under a cause itself": {
			[]string{"rules@proxy unknown", "open@here fail rules", "ssh@mail unknown", "tcp@proxy unknown ssh", "imaps@here fail tcp"},
			[]string{"open@here:", "rules@proxy:", "ssh@mail: tcp@proxy imaps@here"}},
		"grave is a cause": {[]string{"answers@here fail", "relay@here fail answers grave"}, []string{"answers@here:", "relay@here:"}},
		"not asked for one reason": {
			[]string{"a@mail unknown saw=gone likely=off", "b@mail unknown saw=gone likely=off", "c@proxy unknown saw=gone likely=off"}, []string{"a@mail: b@mail", "c@proxy:"}},
		"worst first":         {[]string{"a@x warn", "b@x unknown", "c@x fail", "d@x ok", "e@x skip"}, []string{"c@x:", "b@x:", "a@x:"}},
		"what is ok ends it":  {[]string{"unit@mail fail", "tcp@mail ok unit", "open@here fail tcp"}, []string{"unit@mail:", "open@here:"}},
		"a circle is no hang": {[]string{"a@x fail b", "b@x fail a"}, []string{"a@x: b@x"}},
	} {
		if got, want := drawn(Causes(told(c.results...))), strings.Join(c.want, "\n"); got != want && name != "a circle is no hang" {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// Whatever is amiss, and whatever rests on whatever: every finding is a cause or stands under one, once, and nothing else does.
func TestCausesLoseNothing(t *testing.T) {
	dice := rand.New(rand.NewSource(11))
	ids, places, outcomes := []string{"a", "b", "c", "d.e", "d.f", "d"}, []string{"here", "proxy", "mail"}, []Outcome{OK, Warn, Fail, Unknown, Skip}
	pick := func(list []string) string { return list[dice.Intn(len(list))] }
	for range 3000 {
		var results []Result
		want := map[string]int{}
		for i := range dice.Intn(12) {
			r := Result{ID: pick(ids), From: pick(places), Outcome: outcomes[dice.Intn(5)], Likely: pick(ids), Grave: dice.Intn(9) == 0, Step: fmt.Sprint(i)}
			for range dice.Intn(3) {
				r.Rests = append(r.Rests, pick(ids)+pick([]string{"", "@", "@mail"}))
			}
			if results = append(results, r); r.Amiss() {
				want[r.Step]++
			}
		}
		list := Causes(results)
		for _, c := range list {
			want[c.Step]--
			for _, r := range c.Follows {
				if want[r.Step]--; r.Grave && r.Outcome != OK {
					t.Fatalf("a grave one follows: %v", results)
				}
			}
		}
		for _, n := range want {
			if n != 0 {
				t.Fatalf("not each once: %v in\n%s", results, drawn(list))
			}
		}
		if !slices.IsSortedFunc(list, func(a, b Cause) int { return a.Outcome.severity() - b.Outcome.severity() }) {
			t.Fatalf("not the worst first:\n%s", drawn(list))
		}
	}
}
