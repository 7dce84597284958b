package steps

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/steps/firewall"
)

// measured are the releases whose pfctl must take what a story prints.
var measured = []seenpf.Release{seenpf.R13_2, seenpf.R14, seenpf.R15_0, seenpf.R15_1}

// Every pf file that a story prints is taken by the pfctl of each release, and nothing that it says is lost without a word.
func TestPFFilesAreTaken(t *testing.T) {
	for _, p := range printedFiles(t) {
		set := seenpf.Parse(p.text, p.anchor, seenpf.Host{Interfaces: map[string][]netip.Prefix{}, Files: map[string]seenpf.File{"/etc/pf.postern.conf": {}}})
		for _, release := range measured {
			if a := set.Accepts(release); a.Verdict != seenpf.Accepts {
				t.Errorf("%s %s: FreeBSD %s %s line %d: %s", p.story, p.path, release, a.Verdict, a.Line, a.Why)
			}
			if lost := set.Expand(release).Lost; len(lost) > 0 {
				t.Errorf("%s %s: FreeBSD %s leaves out rules of the lines %v", p.story, p.path, release, lost)
			}
		}
		for _, b := range set.HostBits() {
			t.Errorf("%s %s: %v", p.story, p.path, b)
		}
	}
}

// ruled is a host as its story leaves it, with the packets that are tried on it.
type ruled struct {
	set    *seenpf.Ruleset
	host   seenpf.Host
	policy firewall.Policy
	now    seen.Host
	tunnel string
	alone  *seenpf.Ruleset // what the operator's file says without us; nil where it is ours
}

// rule carries a story out, with the lines of its task put where they belong.
func (s story) rule(t *testing.T, plans []Plan) ruled {
	t.Helper()
	filled, _ := Detect(s.site, Look{s.host: s.facts()})
	at := filled.Host(s.host)
	r := ruled{now: seen.Look(s.facts()), tunnel: filled.Tunnel.Interface}
	r.policy = PolicyFor(filled, at, r.now)
	lines := ""
	for _, plan := range plans {
		s = s.carriedOutBSD(plan)
		for _, task := range plan.Tasks {
			if strings.HasPrefix(task.ID, "firewall.lines") {
				lines = task.Copy
			}
		}
	}
	r.host = seenpf.Host{Interfaces: map[string][]netip.Prefix{}, Files: map[string]seenpf.File{}, Listed: true}
	for _, i := range r.now.Interfaces {
		for _, a := range i.Addresses {
			r.host.Interfaces[i.Name] = append(r.host.Interfaces[i.Name], a.Prefix)
		}
	}
	r.host.Interfaces[filled.Tunnel.Interface] = []netip.Prefix{netip.PrefixFrom(filled.TunnelAddress(at), filled.Tunnel.Network.Bits())}
	for path, text := range s.found {
		if strings.HasPrefix(path, "/etc/pf") {
			r.host.Files[path] = seenpf.File{Text: text}
		}
	}
	text := strings.ReplaceAll(strings.ReplaceAll("\n"+s.found["pf.text"], "\n|", "\n"), "\r", "")
	if !strings.HasPrefix(strings.TrimSpace(text), "# Made by postern") {
		r.alone = seenpf.Parse(text, "", r.host)
		text = added(text, lines)
	}
	r.set = seenpf.Parse(text, "", r.host)
	return r
}

// added puts lines where a person is told to: normalization before translation, that before the first rule, the rest behind all.
func added(text, lines string) string {
	scrubs, first, last := "", "", ""
	for _, line := range strings.Split(lines, "\n") {
		switch word, _, _ := strings.Cut(line, " "); word {
		case "scrub":
			scrubs += line + "\n"
		case "nat", "rdr", "nat-anchor", "rdr-anchor":
			first += line + "\n"
		default:
			last += line + "\n"
		}
	}
	all := strings.SplitAfter(text, "\n")
	before := func(what string, words ...string) {
		at := slices.IndexFunc(all, func(line string) bool {
			return slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(line, word) })
		})
		all = slices.Insert(all, at, what)
	}
	before(first, "pass", "block")
	before(scrubs, "nat", "rdr", "pass", "block")
	return strings.Join(all, "") + last
}

// wants says what the policy makes of a packet: whether it comes through, and where to. It is not told of what is for every interface and
// comes out of the tunnel: the rules name the addresses that the world has.
func (r ruled) wants(p seenpf.Packet) (want bool, to netip.AddrPort, told bool) {
	among := func(from []netip.Prefix) bool { return from == nil || seen.Inside(from, p.From.Addr()) }
	for _, f := range r.policy.Forwards {
		if f.To == p.To && f.Proto == p.Proto && f.In == p.On {
			return among(f.From), f.Dest, true
		}
	}
	vague := slices.ContainsFunc(r.policy.Leaves, func(l firewall.Leave) bool { // into the world, or to the host itself
		return l.In == p.On && l.From == p.From.Addr() && l.Proto == p.Proto && l.Port == int(p.To.Port())
	})
	for _, a := range r.policy.Allows {
		if (a.Proto == "" || a.Proto == p.Proto) && (a.Port == 0 || a.Port == int(p.To.Port())) && (a.In == "" || a.In == p.On) && (!a.To.IsValid() || a.To == p.To.Addr()) && among(a.From) {
			if a.In != "" || a.Name == "ssh" || p.On != r.tunnel {
				return true, p.To, true
			}
			vague = true
		}
	}
	return false, p.To, !vague
}

// admits says whether an address is one of those that are never cut off.
func (r ruled) admits(a netip.Addr) bool {
	for _, st := range r.set.Statements {
		if st.Table != nil && st.Table.Name == "admin" {
			return slices.ContainsFunc(st.Table.Addresses, func(one seenpf.Address) bool { return one.Prefix.Contains(a) })
		}
	}
	return false
}

// What is wanted open passes, from everyone it is for, and to where it should go; what is not is refused, to strangers and to others; those who
// administer the host reach SSH whatever else there is, and a session of theirs that is older than the rules goes on.
func TestPFDoesWhatThePolicySays(t *testing.T) {
	stories, plans := pfStories(t)
	passed, blocked := 0, 0
	for i, s := range stories {
		last := plans[i][len(plans[i])-1]
		name := filepath.Base(s.path)
		if len(last.Refused) > 0 || strings.HasPrefix(name, "theirs-same") || strings.HasPrefix(name, "theirs-unknown") || s.site.Layout == "toaster" {
			continue // those judge a file that does not, or have rules of jails
		}
		r := s.rule(t, plans[i])
		for _, release := range measured {
			if a := r.set.Accepts(release); a.Verdict != seenpf.Accepts {
				t.Errorf("%s: FreeBSD %s %s line %d: %s", name, release, a.Verdict, a.Line, a.Why)
			}
		}
		for _, p := range r.packets() {
			want, to, told := r.wants(p)
			if !told || r.alone != nil && r.alone.Decide(p, r.host).Verdict == seenpf.Pass && !want {
				continue // the operator lets it in
			}
			d := r.set.Decide(p, r.host)
			switch {
			case want && d.Verdict == seenpf.Pass && d.To == to:
				passed++
			case !want && d.Verdict == seenpf.Block:
				blocked++
			default:
				t.Errorf("%s: %s from %s to %s on %s: wanted %v to %s: %s", name, p.Proto, p.From, p.To, p.On, want, to, fmt.Sprintf("%+v", d))
			}
		}
		client, server := r.now.Client.Addr(), r.now.Server
		admin := seenpf.Packet{On: r.now.Device, Proto: "tcp", From: netip.AddrPortFrom(client, 40000), To: server}
		for _, later := range []bool{false, true} {
			if admin.Later = later; later && !r.admits(client) || len(last.LockOut) > 0 {
				break // that the session does not go on, or no new one comes, is told
			}
			if d := r.set.Decide(admin, r.host); d.Verdict != seenpf.Pass {
				t.Errorf("%s: SSH of %s (later %v): %+v", name, client, later, d)
			}
		}
	}
	t.Logf("%d packets passed, and %d were refused, as the policy says", passed, blocked)
	if passed < 500 || blocked < 2000 {
		t.Errorf("only %d packets passed, and %d were refused", passed, blocked)
	}
}

// packets are from a stranger, from each source that a rule names, and from the other end of the tunnel; to every address of the host, at every
// port that is named, those beside it, and some that are not.
func (r ruled) packets() (all []seenpf.Packet) {
	ports, from := map[int]bool{1: true, 23: true, 110: true, 111: true, 143: true, 3306: true, 6379: true, 8080: true, 8081: true, 65535: true}, map[netip.Addr]bool{}
	for _, a := range []string{"233.252.0.77", "2001:db8:dead::77", "10.0.0.2", "192.168.50.77"} {
		from[netip.MustParseAddr(a)] = true
	}
	name := func(port int, sources []netip.Prefix) {
		for n := max(port-1, 1); n <= min(port+1, 65535); n++ {
			ports[n] = true
		}
		for _, p := range sources {
			from[p.Addr()] = true
		}
	}
	for _, a := range r.policy.Allows {
		name(a.Port, a.From)
	}
	for _, f := range r.policy.Forwards {
		name(int(f.To.Port()), f.From)
		name(int(f.Dest.Port()), nil)
	}
	for on, addresses := range r.host.Interfaces {
		for _, to := range addresses {
			if seen.Loopback(on) || to.Addr().IsLinkLocalUnicast() {
				continue
			}
			for a := range maps.Keys(from) {
				for port := range maps.Keys(ports) {
					for _, proto := range []string{"tcp", "udp"} {
						if a.Is4() == to.Addr().Is4() {
							all = append(all, seenpf.Packet{On: on, Proto: proto, From: netip.AddrPortFrom(a, 40000), To: netip.AddrPortFrom(to.Addr(), uint16(port))})
						}
					}
				}
			}
		}
	}
	return all
}
