package firewall

import (
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
)

// loading compares what ufw loads at its start with the rules that run: the files before and after those of people, and the
// scripts that it calls. unsure are lines that cannot be compared.
func loading(f remote.Facts) (wrong, unsure []string, err error) {
	rules, err := rulesOf(f)
	if err != nil {
		return nil, nil, err
	}
	for i, family := range rules.Families() {
		for _, name := range []string{"before", "after"} {
			path := "/etc/ufw/" + name + []string{"", "6"}[i] + ".rules"
			file, known := f.File(path)
			if !known || file == nil {
				return nil, nil, fmt.Errorf("%s could not be read", path)
			}
			more, cannot := loads{path, family.Tables}.differ(file.Text)
			wrong, unsure = append(wrong, more...), append(unsure, cannot...)
		}
	}
	called, err := seen.Forwarding.Of(f)
	if err != nil {
		return nil, nil, err
	}
	var file, now []string
	for _, l := range called {
		if l.Runs && strings.HasPrefix(l.Rule.Chain, "postern-") {
			file = append(file, l.Rule.Text)
		}
	}
	for _, family := range rules.Families() {
		for _, table := range family.Tables {
			for _, r := range table.Rules {
				if strings.HasPrefix(r.Chain, "postern-") && r.Chain != tunnelChain && r.Chain != mailcowChain {
					now = append(now, r.Text)
				}
			}
		}
	}
	bySense := func(a, b string) int { // across chains and tables there is no order
		one, _ := sense(a)
		other, _ := sense(b)
		return strings.Compare(one, other)
	}
	slices.SortFunc(file, bySense)
	slices.SortFunc(now, bySense)
	more, cannot := apart("what ufw's scripts load", file, now)
	return append(wrong, more...), append(unsure, cannot...), nil
}

const (
	tunnelChain  = "postern-wg"      // the tunnel's own, which its file makes
	mailcowChain = "postern-mailcow" // Mailcow's, of which mailcow.home asks
)

// loads is one of ufw's files, beside the tables that run of its family.
type loads struct {
	path string
	now  seen.Tables
}

// differ compares a file for iptables-restore with what runs. A chain of ufw's own holds what the file says, and at its end a jump to
// the rules of people; into one of the kernel's others put rules too.
func (l loads) differ(text string) (wrong, unsure []string) {
	table := ""
	want := map[[2]string][]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		chain, _, _ := strings.Cut(rest, " ")
		switch {
		case line == "", strings.HasPrefix(line, "#"), line == "COMMIT":
		case strings.HasPrefix(line, "*"):
			table = line[1:]
		case strings.HasPrefix(line, ":"):
			at := [2]string{table, word[1:]}
			want[at] = append([]string{}, want[at]...)
		case word == "-A":
			want[[2]string{table, chain}] = append(want[[2]string{table, chain}], line)
		case word == "-I":
			want[[2]string{table, chain}] = append([]string{line}, want[[2]string{table, chain}]...)
		default:
			unsure = append(unsure, l.path+": "+line)
		}
	}
	for at, file := range want {
		var now []string
		own := strings.HasPrefix(at[1], "ufw")
		for _, r := range l.now.Chain(at[0], at[1]) {
			if text, _ := sense(r.Text); own && !peoples(r) || slices.ContainsFunc(file, func(line string) bool { one, _ := sense(line); return one == text }) {
				now = append(now, r.Text)
			}
		}
		if !own {
			now = unrepeated(now)
		}
		more, cannot := apart(l.path, file, now)
		wrong, unsure = append(wrong, more...), append(unsure, cannot...)
	}
	slices.Sort(wrong)
	return wrong, unsure
}

// peoples says whether a rule is ufw's own jump to the rules of people.
func peoples(r seen.Rule) bool {
	return strings.HasPrefix(r.Target, "ufw") && strings.Contains(r.Target, "-user-")
}

func unrepeated(lines []string) (all []string) {
	for _, line := range lines {
		if !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return all
}

// apart compares the lines of a file with rules that run, in order. A line that may be spelled in another way is none that differs.
func apart(path string, file, now []string) (wrong, unsure []string) {
	senses := func(lines []string) (all []string) {
		for _, line := range lines {
			text, _ := sense(line)
			all = append(all, text)
		}
		return all
	}
	boot, live := senses(file), senses(now)
	if slices.Equal(boot, live) {
		return nil, nil
	}
	name := func(line string) string { return remote.Clean(line).Line(120) }
	for i, text := range boot {
		if slices.Contains(live, text) {
			continue
		}
		if _, known := sense(file[i]); !known {
			unsure = append(unsure, path+": "+name(file[i]))
		} else {
			wrong = append(wrong, path+" has a rule that does not run: "+name(file[i]))
		}
	}
	for i, text := range live {
		if !slices.Contains(boot, text) && len(unsure) == 0 {
			wrong = append(wrong, "a rule runs that "+path+" does not have: "+name(now[i]))
		}
	}
	if len(wrong)+len(unsure) == 0 {
		wrong = append(wrong, path+" has its rules in another order, or another number, than they run")
	}
	return wrong, unsure
}
