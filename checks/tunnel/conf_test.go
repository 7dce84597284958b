package tunnel

import (
	"net/netip"
	"strings"
	"testing"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func FuzzConf(f *testing.F) {
	f.Add("[Interface]\nListenPort = 1\nPostUp = ip -4 rule add pref 1 from 10.0.0.2 table 7\n[Peer]\nPublicKey = x\nAllowedIPs = 10.0.0.2/32", "20720:\tfrom 10.0.0.2 lookup 20720\n== tables4\ndefault dev wg0 table 20720")
	f.Fuzz(func(t *testing.T, text, rules string) {
		s := site.Default()
		facts := remote.Facts{Answers: map[string]remote.Answer{"routing": {Out: "== rules4\n" + rules + "\n== end\n"}, "rules": {Out: "== absent\n== end\n"},
			"keys wg0": {Out: "== file\n== end\n"}, "addresses": {Out: "== addresses\n1: lo inet 127.0.0.1/8 scope host lo\n== end\n"}}}
		for _, h := range s.Hosts {
			wrong, _ := anew{s, h, facts, confOf("wg0", text), seen.WireGuard{Peers: map[string]*seen.Peer{}}}.differs()
			if strings.ContainsAny(strings.Join(wrong, ""), "\x1b\n\r\x07") {
				t.Fatalf("a control character comes through: %q", wrong)
			}
		}
	})
}

// Whatever pings said, a size that did not get through is no ok, and an answer is offered only for one that is smaller.
func FuzzFits(f *testing.F) {
	f.Add("reply 1420\nlimit 1400\nreply 1280", 1420)
	f.Fuzz(func(t *testing.T, pings string, mtu int) {
		path := seen.Through(netip.MustParseAddr("10.0.0.1"), []int{mtu, 1280})
		got, err := path.Of(remote.Facts{Answers: map[string]remote.Answer{path.ID: {Out: "== sizes\n" + pings + "\n== end\n"}}})
		if err != nil {
			return
		}
		if r := fits(checks.Question{}, mtu, got.Reply); r.Outcome == checks.OK && got.Reply != mtu || r.Answer != "" && got.Reply >= mtu {
			t.Fatalf("%+v of %+v", r, got)
		}
	})
}
