package steps

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	seenpf "postern/seen/pf"
	"postern/site"
)

var pfFiles = flag.String("pf-files", "", "a folder to write every pf file of the stories into: make pf-files DIR=...")

// printed is a pf file that a story prints: one that a change writes, or what a task hands out.
type printed struct {
	story, path, anchor, text string // the anchor is "" for a main file
}

// printedFiles are all of them.
func printedFiles(t *testing.T) (all []printed) {
	t.Helper()
	stories, plans := pfStories(t)
	for i, s := range stories {
		name := strings.TrimSuffix(filepath.Base(s.path), ".txtar")
		add := func(path, text string) {
			p := printed{name, path, "", text}
			if strings.Contains(path, "postern") {
				p.anchor = "postern"
			} else if anchor, is := anchorOf(path); is {
				p.anchor = anchor
			}
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
		for _, plan := range plans[i] {
			for _, part := range plan.Parts {
				for _, c := range part.Changes {
					if c.New != nil && isPF(c.Path) {
						add(c.Path, c.New.Text)
					}
					if m := made.FindStringSubmatch(c.Do); m != nil {
						add(m[1], m[2])
					}
				}
			}
			for _, task := range plan.Tasks {
				if path := jailFile.FindString(task.Title); path == "" && strings.HasPrefix(task.ID, "firewall.lines") {
					add("/etc/pf.added.conf", task.Copy+"\n")
				} else if isPF(path) {
					add(path, task.Copy+"\n")
				}
			}
		}
	}
	return all
}

var (
	portWord  = regexp.MustCompile(`\bport (\{[^}]*\}|\S+)`)
	ruleLine  = regexp.MustCompile(`^(pass|block|nat|rdr|scrub)\b`)
	macroUse  = regexp.MustCompile(`\$(\w+)`)
	address   = regexp.MustCompile(`(?:^|[\s{(])([0-9a-fA-F:.]*[.:][0-9a-fA-F:.]*(?:/\d+)?)`)
	hostWord  = regexp.MustCompile(`(?:\bfrom|\bto|->) (\{[^}]*\}|\([^)]*\)|<\w+>|\S+)`)
	tableLine = regexp.MustCompile(`^table <(\w+)> persist(?: \{ (.*) \})?$`)
	openBSD   = regexp.MustCompile(`\b(nat-to|rdr-to|binat-to|match|reassemble)\b`)
)

// sections are pf's own order of what stands in a file; tables and macros may stand anywhere, and are wanted first.
var pfSections = map[string]int{"set": 1, "scrub": 2, "nat": 3, "rdr": 3, "nat-anchor": 3, "rdr-anchor": 3, "pass": 4, "block": 4, "anchor": 4, "load": 5, "binat-anchor": 3}

// lintPF says which of the small rules of pf's grammar a file of ours breaks, those that pfctl refuses and those that it takes in silence.
func lintPF(path, text string) (why []string) {
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	class, jail := anchorOf(path)
	class, _, _ = strings.Cut(class, "/")
	anchor := strings.Contains(path, "postern") || jail
	switch {
	case !strings.HasSuffix(text, "\n"):
		say("no newline at the end: a syntax error")
	case strings.Contains(text, "\r"):
		say("CR: a syntax error on every line")
	case strings.HasPrefix(text, "\ufeff") || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b"):
		say("bytes that are no text")
	}
	macros, tables, at := map[string]string{}, map[string]bool{}, 0
	for _, line := range strings.Split(text, "\n") {
		if tableLine.MatchString(line) {
			tables[tableLine.FindStringSubmatch(line)[1]] = true
		}
	}
	for n, line := range strings.Split(text, "\n") {
		bad := func(format string, args ...any) { say("%d: %s: %q", n+1, fmt.Sprintf(format, args...), line) }
		if strings.HasSuffix(line, "\\") {
			bad("the next line belongs to it")
		}
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if openBSD.MatchString(line) {
			bad("words that older releases refuse")
		}
		if name, value, is := strings.Cut(line, " = "); is || regexp.MustCompile(`^\w+\s+= `).MatchString(line) {
			if !is {
				name, value, _ = strings.Cut(line, "= ")
			}
			macros[strings.TrimSpace(name)] = strings.Trim(value, `" `)
			if strings.Trim(value, `" `) == "" {
				bad("an empty macro")
			}
			continue
		}
		for _, m := range macroUse.FindAllStringSubmatch(line, -1) {
			if macros[m[1]] == "" {
				bad("the macro %s is not defined before its use", m[1])
			}
			line = strings.ReplaceAll(line, "$"+m[1], macros[m[1]])
		}
		word, _, _ := strings.Cut(line, " ")
		if section := pfSections[word]; section == 0 && word != "table" {
			bad("no line of ours begins with %s", word)
		} else if section != 0 {
			if section < at {
				bad("out of order")
			}
			at = section
		}
		if jail && !slices.Contains(classWords[class], word) {
			bad("%s does not belong into a file of the class %s: it is never asked", word, class)
		}
		for _, why := range lintLine(line, anchor, jail, tables) {
			bad("%s", why)
		}
	}
	return why
}

// lintLine says what is wrong with one line, its macros expanded.
func lintLine(line string, anchor, jail bool, tables map[string]bool) (why []string) {
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	if anchor && (strings.HasPrefix(line, "set ") || strings.HasPrefix(line, "scrub")) {
		say("options and normalization do not belong in an anchor")
	}
	for _, m := range portWord.FindAllStringSubmatch(line, -1) {
		if !strings.Contains(line, "proto ") {
			say("a port without a protocol")
		}
		for _, p := range strings.Fields(strings.Trim(m[1], "{}")) {
			if n := 0; !regexp.MustCompile(`^[1-9]\d{0,4}$`).MatchString(p) {
				say("port %s is no number, or none that there is", p)
			} else if fmt.Sscan(p, &n); n > 65535 {
				say("port %s is too high", p)
			}
		}
	}
	for _, name := range regexp.MustCompile(`<(\w+)>`).FindAllStringSubmatch(line, -1) {
		if jail && slices.Contains([]string{"insecure_mua", "bruteforce"}, name[1]) { // the main file's, or loaded by the script
			continue
		}
		if !tables[name[1]] || len(name[1]) > 31 {
			say("the table %s is not defined here, or its name is too long", name[1])
		}
		if anchor && !strings.HasPrefix(name[1], "postern_") {
			say("the table %s would hide one of the main file", name[1])
		}
	}
	six, four := false, false
	for _, m := range address.FindAllStringSubmatch(line, -1) {
		p, err := netip.ParsePrefix(m[1])
		if a, single := netip.ParseAddr(m[1]); single == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			continue
		}
		if p != p.Masked() || p.IsSingleIP() && strings.Contains(m[1], "/") || p.Addr().Zone() != "" {
			say("%s is not canonical", m[1])
		}
		four, six = four || p.Addr().Is4(), six || p.Addr().Is6()
	}
	if !ruleLine.MatchString(line) {
		return why
	}
	inet, inet6 := strings.Contains(line, " inet "), strings.Contains(line, " inet6 ")
	if four && six || four && !inet || six && !inet6 || inet && inet6 {
		say("the families are mixed, or not written")
	}
	for _, m := range hostWord.FindAllStringSubmatch(line, -1) {
		for _, w := range strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(strings.Trim(m[1], "{}"))) {
			_, noAddress := netip.ParseAddr(w)
			_, noPrefix := netip.ParsePrefix(w)
			bracketed := strings.Contains(m[1], "(") || w == "(" || w == ")"
			if noAddress != nil && noPrefix != nil && w != "any" && !strings.HasPrefix(w, "<") && !bracketed {
				say("%s stands for no address when pf starts before it is there", w)
			}
		}
	}
	if action, _, _ := strings.Cut(line, " "); (action == "nat" || action == "rdr") && !strings.Contains(line, " on ") {
		say("translation on every interface")
	}
	return why
}

func TestPFFilesKeepTheRules(t *testing.T) {
	files := printedFiles(t)
	if len(files) < 20 {
		t.Fatalf("only %d files", len(files))
	}
	for _, p := range files {
		for _, why := range lintPF(p.path, p.text) {
			t.Errorf("%s %s: %s", p.story, p.path, why)
		}
		if _, jail := anchorOf(p.path); !jail {
			continue
		}
		for _, release := range measured {
			if a := seenpf.Parse(p.text, p.anchor, seenpf.Host{}).Accepts(release); a.Verdict != seenpf.Accepts {
				t.Errorf("%s %s: FreeBSD %s %s line %d: %s", p.story, p.path, release, a.Verdict, a.Line, a.Why)
			}
		}
	}
	if *pfFiles == "" {
		return
	}
	if err := os.MkdirAll(*pfFiles, 0o755); err != nil {
		t.Fatal(err)
	}
	list := ""
	for i, p := range files {
		name := fmt.Sprintf("%03d-%s%s", i, p.story, strings.ReplaceAll(p.path, "/", "-"))
		if err := os.WriteFile(filepath.Join(*pfFiles, name), []byte(p.text), 0o644); err != nil {
			t.Fatal(err)
		}
		list += name + "\t" + p.anchor + "\n"
	}
	stories, _ := pfStories(t)
	for _, s := range stories {
		s.writeLooks(t, *pfFiles)
	}
	if err := os.WriteFile(filepath.Join(*pfFiles, "anchors.tsv"), []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Each rule is found where it is broken: a lint that says nothing proves nothing.
func TestPFLintFindsEachBrokenRule(t *testing.T) {
	const main, anchor, rdr, filter, nat = "/etc/pf.conf", "/etc/pf.postern.conf", "/etc/mail-toaster/haraka/pf.conf.d/rdr.conf", "/etc/mail-toaster/haraka/pf.conf.d/filter.conf", "/data/haraka/etc/pf.conf.d/nat.conf"
	const jail = "rdr on { em0 lo0 } inet proto tcp from any to 203.0.113.10 port { 25 587 } -> 172.16.15.9\n"
	if why := lintPF(rdr, jail); why != nil {
		t.Fatalf("a sound file of a jail: %v", why)
	}
	sound := "ext_if = \"vtnet0\"\ntable <admin> persist { 198.51.100.20 }\nset skip on lo0\nscrub on wg0 max-mss 1220\n" +
		"rdr on $ext_if inet proto tcp from any to 203.0.113.10 port { 465 993 } -> 10.0.0.2\npass in inet proto tcp from 192.0.2.0/24 to ($ext_if) port 25\n"
	if why := lintPF(main, sound); why != nil {
		t.Fatalf("a sound file: %v", why)
	}
	for _, broken := range []struct{ path, text, say string }{
		{main, strings.TrimSuffix(sound, "\n"), "no newline"},
		{main, strings.ReplaceAll(sound, "\n", "\r\n"), "CR"},
		{main, "\ufeff" + sound, "bytes"},
		{main, strings.Replace(sound, "port 25", "port smtp", 1), "no number"},
		{main, strings.Replace(sound, "port 25", "port 0", 1), "no number"},
		{main, strings.Replace(sound, "port 25", "port 70000", 1), "too high"},
		{main, strings.Replace(sound, "port 25", "port { 25, 80 }", 1), "no number"},
		{main, strings.Replace(sound, "inet proto tcp from 192", "inet from 192", 1), "without a protocol"},
		{main, strings.Replace(sound, "($ext_if) port 25", "$ext_if port 25", 1), "stands for no address"},
		{main, strings.Replace(sound, "192.0.2.0/24", "{ 192.0.2.0/24 2001:db8::1 }", 1), "families"},
		{main, strings.Replace(sound, "pass in inet ", "pass in ", 1), "families"},
		{main, strings.Replace(sound, "192.0.2.0/24", "192.0.2.7/24", 1), "canonical"},
		{main, strings.Replace(sound, "198.51.100.20 }", "198.51.100.20/8 }", 1), "canonical"},
		{main, "pass in inet proto tcp from any to ($ext_if) port 25\n" + sound, "not defined before"},
		{anchor, "pass in on $ext_if inet from any to any\n", "not defined before"},
		{anchor, "set skip on lo0\n", "do not belong in an anchor"},
		{anchor, "scrub on wg0 max-mss 1220\n", "do not belong in an anchor"},
		{anchor, "pass in inet from any to any\nrdr on em0 inet from any to 203.0.113.10 -> 10.0.0.2\n", "out of order"},
		{main, sound + "nat on wg0 inet from any to 10.0.0.2 -> (wg0:0)\n", "out of order"},
		{main, sound + "set skip on lo0\n", "out of order"},
		{main, strings.Replace(sound, "rdr on $ext_if ", "rdr ", 1), "every interface"},
		{main, sound + "pass out on em0 inet from any to any nat-to 203.0.113.10\n", "older releases"},
		{main, sound + "match in all\n", "older releases"},
		{main, sound + "block in quick from <bruteforce> to any\n", "not defined here"},
		{main, sound + "pass in inet from any to mail.example.org\n", "stands for no address"},
		{main, strings.Replace(sound, "-> 10.0.0.2", "-> wg0", 1), "stands for no address"},
		{anchor, "table <admin> persist\n", "would hide"},
		{main, "wg_if = \"\"\n" + sound, "empty macro"},
		{main, sound + "pass in inet from any to any \\\n", "next line"},
		{main, sound + "unknown\n", "no line of ours"},
		{rdr, jail + "pass in inet from any to 172.16.15.9\n", "never asked"},
		{filter, jail, "never asked"},
		{nat, jail, "never asked"},
		{rdr, strings.Replace(jail, "{ em0 lo0 }", "$ext_if", 1), "not defined before"},
		{rdr, strings.Replace(jail, "on { em0 lo0 } ", "", 1), "every interface"},
		{rdr, strings.Replace(jail, " inet ", " ", 1), "families"},
		{rdr, strings.Replace(jail, "from any", "from <mua>", 1), "not defined here"},
		{filter, "set skip on lo0\n", "do not belong in an anchor"},
	} {
		if why := strings.Join(lintPF(broken.path, broken.text), "\n"); !strings.Contains(why, broken.say) {
			t.Errorf("not found: %s, but %q in\n%s", broken.say, why, broken.text)
		}
	}
}

// Whatever is answered and found, each file keeps the rules, and a plan that was carried out is not made again.
func TestPFFilesOfAnySite(t *testing.T) {
	dice := rand.New(rand.NewPCG(13, 2026))
	pick := func(list ...string) string { return list[dice.IntN(len(list))] }
	nets := []string{"192.0.2.7", "192.0.2.0/24", "198.51.100.20", "2001:db8:7::/48", "2001:db8::9", "0.0.0.0/0", "::/0", "10.0.0.0/8", "192.0.2.9, 2001:db8:8::/48", "192.0.2.0/25, 192.0.2.128/25"}
	for n := range 300 {
		s := story{host: pick("proxy", "mail"), release: "14.3-RELEASE", site: freshSite(t, pick("advise", "anchors", "own")), modes: map[string]os.FileMode{}}
		answer := func(chance int, key string, values ...string) {
			if dice.IntN(100) < chance {
				if err := site.Set(s.site, key, pick(values...)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, port := range []string{"smtp", "http", "https", "submissions", "submission", "imaps", "relay"} {
			answer(20, "ports."+port, fmt.Sprint(1+dice.IntN(65535)))
		}
		for _, port := range []string{"smtp", "http", "https", "submissions", "submission", "imaps"} {
			answer(25, "from."+port, nets...)
		}
		answer(40, "host."+s.host+".ssh_from", nets...)
		answer(40, "host."+s.host+".keep", "8006/tcp@192.0.2.0/24", "123/udp", "8006/tcp, 8006/udp, 9/tcp@2001:db8::1")
		answer(50, "mail.path", "haraka", "direct")
		answer(50, "clients.addresses", "preserve", "masquerade")
		answer(30, "mail.lan", "192.168.50.0/24", "192.168.50.0/25, 192.168.60.0/24")
		answer(50, "tunnel.network6", "fd00:10::/64")
		answer(30, "tunnel.interface", "wg7", "tun-1")
		s.found = usualBSD(s.host, s.release)
		if dice.IntN(2) == 0 {
			s.found["addresses.ifconfig"] += "em1: flags=8863<UP> metric 0 mtu 1500\n\tinet 10.9.0.1 netmask 0xffffff00\n\tinet6 2001:db8:9::1 prefixlen 64 autoconf\n"
		}
		if dice.IntN(2) == 0 {
			s.found["addresses.dhcp"] = "vtnet0\n"
		}
		s.found["addresses.ifconfig"] = strings.Replace(s.found["addresses.ifconfig"], "lo0: ", pick("", "\tinet6 2001:db8:113::10 prefixlen 64"+pick("", " autoconf")+"\n")+"lo0: ", 1)
		s.found["ssh.connection"] = pick("", "198.51.100.20 40000 203.0.113.10 22\n", "2001:db8::77 40000 2001:db8:113::10 22\n", "10.0.0.2 4000 10.0.0.1 22\n")
		if dice.IntN(2) == 0 {
			s.found["/etc/pf.conf"] = "# by hand\npass\n"
			s.written(s.found["/etc/pf.conf"])
		}
		plan := s.plan()
		for round := 0; len(plan.Parts) > 0; round++ {
			for _, part := range plan.Parts {
				for _, c := range part.Changes {
					if c.New == nil || !isPF(c.Path) {
						continue
					}
					for _, why := range lintPF(c.Path, c.New.Text) {
						t.Fatalf("site %d: %s: %s\n%s", n, c.Path, why, c.New.Text)
					}
				}
			}
			for _, task := range plan.Tasks {
				for _, why := range lintPF("/etc/pf.conf", task.Copy+"\n") {
					t.Fatalf("site %d: %s: %s", n, task.ID, why)
				}
			}
			if round > 2 {
				t.Fatalf("site %d: planned again and again: %v", n, plan.Parts[0].Changes)
			}
			s = s.carriedOutBSD(plan)
			plan = s.plan()
		}
		if len(plan.Refused) > 0 {
			t.Fatalf("site %d: %s", n, plan.Refused)
		}
	}
}

func freshSite(t testing.TB, main string) *site.Site {
	t.Helper()
	s := site.Default()
	if err := site.Set(s, "pf.main", main); err != nil {
		t.Fatal(err)
	}
	return s
}
