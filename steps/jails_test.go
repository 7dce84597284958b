package steps

import (
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/site"
)

// jailsInPlace is a story when nothing is left to change, and what pf makes of it then: its main file, with what is loaded in anchors.
func jailsInPlace(s story, plans []Plan) (story, *seenpf.Ruleset, seenpf.Host) {
	for _, plan := range plans {
		s = s.carriedOutBSD(plan)
	}
	h := seenpf.Host{Interfaces: map[string][]netip.Prefix{}, Anchors: map[string]*seenpf.Ruleset{}, Tables: map[string][]seenpf.Address{}, Listed: true}
	for _, i := range seen.Look(s.facts()).Interfaces {
		for _, a := range i.Addresses {
			h.Interfaces[i.Name] = append(h.Interfaces[i.Name], a.Prefix)
		}
	}
	for key, text := range s.found {
		if name, is := strings.CutPrefix(key, "anchors.anchor "); is {
			h.Anchors[name] = seenpf.Printed(strings.ReplaceAll("\n"+text, "\n|", "\n"), name, seenpf.Host{})
		}
		if table, is := strings.CutSuffix(path.Base(key), ".table"); is || table == "insecure_mua" {
			for line := range strings.Lines(text) {
				line, _, _ = strings.Cut(line, "#")
				found, _ := seenpf.ParseTable(line)
				h.Tables[table] = append(h.Tables[table], found...)
				h.Tables["rdr/dovecot/"+table] = h.Tables[table]
			}
		}
	}
	return s, seenpf.Parse(strings.ReplaceAll("\n"+s.found["pf.text"], "\n|", "\n"), "", h), h
}

// Each port of a jail is reached by strangers over both families, and goes to that jail; those without TLS only by the sources that they are
// for. Where the main file is ours nothing else is; and jails that were asked to are kept from one another, their answers never.
func TestJailsAreReached(t *testing.T) {
	stories, plans := pfStories(t)
	reached, refused, apart := 0, 0, 0
	for i, s := range stories {
		if s.site.Layout != "toaster" || strings.HasSuffix(s.path, "advise.txtar") {
			continue
		}
		name := filepath.Base(s.path)
		own := strings.HasPrefix(plans[i][0].Step, "firewall") && (s.site.PF.Main == "own" || s.found["/etc/pf.conf"] == "")
		s.site, _ = Detect(s.site, Look{s.host: s.facts()})
		s, set, host := jailsInPlace(s, plans[i])
		public := map[bool]netip.Addr{true: netip.MustParseAddr("203.0.113.10"), false: netip.MustParseAddr("2001:db8:113::10")}
		from := map[bool]netip.Addr{true: netip.MustParseAddr("233.252.0.77"), false: netip.MustParseAddr("2001:db8:dead::77")}
		try := func(on string, from, to netip.Addr, port int) seenpf.Decision {
			return set.Decide(seenpf.Packet{On: on, Proto: "tcp", From: netip.AddrPortFrom(from, 40000), To: netip.AddrPortFrom(to, uint16(port))}, host)
		}
		runs := func(j site.Jail) bool {
			return strings.Contains(s.found["toaster.jls"], "name="+j.Name+" ") || j.Name == "ubuntu"
		}
		taken := map[int]bool{22: true}
		last := plans[i][len(plans[i])-1]
		asked := slices.ContainsFunc(last.Tasks, func(task Task) bool { return strings.Contains(task.ID, "insecure_mua") }) // of a person: it is a table of theirs
		for _, j := range s.site.Jails {
			if !runs(j) {
				continue
			}
			for _, a := range j.Addresses() {
				for _, port := range j.Ports {
					taken[port] = true
					d := try("em0", from[a.Is4()], public[a.Is4()], port)
					arrives := d.Verdict == seenpf.Pass && d.To == netip.AddrPortFrom(a, uint16(port))
					if arrives == site.Insecure(port) {
						t.Errorf("%s: %s at %s: %+v", name, j.Name, netip.AddrPortFrom(public[a.Is4()], uint16(port)), d)
					}
					if few := netip.MustParseAddr("192.168.7.7"); site.Insecure(port) && a.Is4() && !asked {
						if d := try("em0", few, public[true], port); d.Verdict != seenpf.Pass || d.To.Addr() != a {
							t.Errorf("%s: %s from %s at %d: %+v", name, j.Name, few, port, d)
						}
					}
					reached++
				}
				for _, other := range s.site.Jails {
					for _, to := range other.Addresses() {
						if to.Is4() != a.Is4() || other.Name == j.Name || !runs(other) { // the rules of a jail that does not run are not loaded
							continue
						}
						d := try("lo0", a, to, 3306)
						if want := j.Alone() && !slices.Contains(j.Reach, other.Name); want != (d.Verdict == seenpf.Block) {
							t.Errorf("%s: %s to %s: %+v", name, j.Name, other.Name, d)
						} else if want {
							apart++
						}
						back := seenpf.Packet{On: "lo0", Proto: "tcp", From: netip.AddrPortFrom(a, 3306), To: netip.AddrPortFrom(to, 40000), Later: true}
						if d := set.Decide(back, host); d.Verdict != seenpf.Pass {
							t.Errorf("%s: an answer of %s to %s: %+v", name, j.Name, other.Name, d)
						}
					}
				}
			}
		}
		for port := 1; own && port < 9000; port += 7 {
			if d := try("em0", from[true], public[true], port); !taken[port] && d.Verdict != seenpf.Block {
				t.Errorf("%s: port %d is open: %+v", name, port, d)
			}
			refused++
		}
	}
	if reached < 60 || refused < 1000 || apart < 6 {
		t.Errorf("only %d ports were reached, %d refused, %d kept apart", reached, refused, apart)
	}
}

// With advise nothing of a host is written for its jails; with anchors never the main file, and no file of others.
func TestJailsOfOthersStay(t *testing.T) {
	stories, plans := pfStories(t)
	for i, s := range stories {
		if s.site.Layout != "toaster" {
			continue
		}
		now := s
		for _, plan := range plans[i] {
			for _, part := range plan.Parts {
				for _, c := range part.Changes {
					old, there := now.found[c.Path]
					switch {
					case strings.HasSuffix(s.path, "advise.txtar"):
						t.Errorf("%s: %s is changed", s.path, c.ID)
					case !there || strings.Contains(old, "# Made by postern") || strings.HasPrefix(c.Path, "/etc/jail.conf.d/"):
					case c.Path == "/etc/pf.conf" && s.site.PF.Main == "own":
					default:
						t.Errorf("%s: %s is somebody else's, and is changed", s.path, c.Path)
					}
				}
			}
			now = now.carriedOutBSD(plan)
		}
	}
}

// Whatever pf.conf and the files of jails say, planning ends, what is printed keeps the rules, and nothing of others is written over.
func FuzzJailPlans(f *testing.F) {
	f.Add("anchor \"allow/*\"\n", "rdr pass on em0", "dovecot {\n}\n", "|rdr all\n")
	f.Add("table <ext_ip4> { 203.0.113.10 }\nrdr-anchor \"rdr/*\"\nanchor \"filter/*\"\n", "table <x> persist file \"/data/dovecot/etc/pf.conf.d/x.table\"\n", "a", "table x 1 y\n")
	f.Fuzz(func(t *testing.T, main, rules, conf, loaded string) {
		for _, mode := range []string{"advise", "anchors", "own"} {
			s := story{host: "proxy", release: "15.1-RELEASE", site: freshSite(t, mode), found: usualBSD("proxy", "15.1-RELEASE"), modes: map[string]os.FileMode{}}
			s.site.Layout = "toaster"
			s.site.Jails = []site.Jail{{Name: "dovecot", Address4: netip.MustParseAddr("172.16.15.15"), Ports: []int{110, 993}}, {Name: "haraka", Address4: netip.MustParseAddr("172.16.15.9"), Ports: []int{25}, Reach: []string{"none"}}}
			s.found["/etc/pf.conf"], s.found["/data/dovecot/etc/pf.conf.d/rdr.conf"], s.found["/etc/jail.conf.d/dovecot.conf"] = main, rules, conf
			s.found["anchors.anchor rdr/dovecot"], s.found["toaster.jls"] = loaded, "name=dovecot ip4.addr=172.16.15.15\n"
			s.written(main)
			s.tellJails()
			for _, part := range s.plan().Parts {
				for _, c := range part.Changes {
					if c.Path == "/data/dovecot/etc/pf.conf.d/rdr.conf" && !strings.HasPrefix(rules, "# Made by postern") || c.Path == "/etc/pf.conf" && mode != "own" && !strings.HasPrefix(main, "# Made by postern") {
						t.Errorf("%s is somebody else's", c.Path)
					}
					if c.New == nil || !isPF(c.Path) {
						continue
					}
					for _, why := range lintPF(c.Path, c.New.Text) {
						t.Errorf("%s: %s", c.Path, why)
					}
				}
			}
		}
	})
}

// Where pf does not look at lo0, nothing keeps jails apart, and nobody says that they are.
func TestJailsThatPassUnseen(t *testing.T) {
	for main, unseen := range map[string]bool{"set skip on lo0\nrdr-anchor \"rdr/*\"\nanchor \"filter/*\"\n": true, "set skip on { lo1 }\nrdr-anchor \"rdr/*\"\nanchor \"filter/*\"\n": false} {
		s := story{host: "proxy", release: "15.1-RELEASE", site: freshSite(t, "anchors"), found: usualBSD("proxy", "15.1-RELEASE"), modes: map[string]os.FileMode{}}
		s.site.Layout = "toaster"
		s.site.Jails = []site.Jail{{Name: "dovecot", Address4: netip.MustParseAddr("172.16.15.15"), Ports: []int{993}, Reach: []string{"none"}}, {Name: "haraka", Address4: netip.MustParseAddr("172.16.15.9"), Ports: []int{25}, Reach: []string{"dovecot"}}}
		s.found["/etc/pf.conf"], s.found["toaster.jls"] = main, "name=dovecot ip4.addr=172.16.15.15\n"
		s.written(main)
		s.tellJails()
		said := ""
		for _, n := range s.plan().Notes {
			said += n.Text + "\n"
		}
		if strings.Contains(said, "skip lo0") != unseen || strings.Contains(said, "jails are kept from one another but for haraka -> dovecot") == unseen {
			t.Errorf("%s\n%s", main, said)
		}
	}
}

// Where somebody went on with a jail's file, an undo takes our lines out of it and leaves theirs.
func TestJailsHooksAreStripped(t *testing.T) {
	const conf = "/etc/jail.conf.d/dovecot.conf"
	for _, s := range func() []story { all, _ := pfStories(t); return all }() {
		if !strings.HasSuffix(s.path, "toaster-fresh.txtar") {
			continue
		}
		now := s.carriedOutBSD(s.plan())
		now.found[conf] += "# theirs\n"
		plan := stripFirewall(now.site, Look{"proxy": now.facts()}, map[string]bool{conf: true})
		if len(plan.Parts) != 1 || len(plan.Parts[0].Changes) != 1 || plan.Parts[0].Changes[0].New.Text != s.found[conf]+"# theirs\n" {
			t.Errorf("stripped: %+v", plan)
		}
	}
}
