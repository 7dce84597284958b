package remote

import (
	"net/netip"
	"strings"
	"testing"
	"unicode"
)

// plain says whether text holds nothing that a terminal would do rather than show.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' })
}

// A host may put anything in the place of its records: what is made of it has harmless titles of one line, and no more records than it told.
func FuzzRecords(f *testing.F) {
	f.Add("record\ncid a\nstep one\ntitle rewrite a\npath /etc/x\nseq 2\nfirst t1\nundo a\nundo b\norig /var/o\ntouched yes\nrecord\ncid b\nseq 1\nresult recorded\n")
	f.Add("record\ntitle \x1b]52;c;x\x07\ntitle b\nrecord x\nrecord\nseq -9223372036854775808\n")
	f.Fuzz(func(t *testing.T, out string) {
		list := parseRecords(out)
		if told := strings.Count("\n"+out, "\nrecord") + strings.Count("\n"+out, "\nresult"); len(list) > told {
			t.Fatalf("%d records of %d told", len(list), told)
		}
		for i, r := range list {
			if !plain(r.Title) || strings.Contains(r.Title, "\n") || len(r.Title) > 400 || i > 0 && list[i-1].order > r.order {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// Nor does a host's standing, with the titles of a job's changes, hold what a terminal would obey; an ended change is found by its ID.
func FuzzStatus(f *testing.F) {
	f.Add("open t1 ARMED \napplied\nagent abc\nowner ann\nowner since\nwork j1\ndoing install\nended PERSISTED.t0\nended ROLLEDBACK.t9.expired\n")
	f.Add("open\nopen \x1b[31m\ndead \ndoing a\x00b\nended \nended .\nended X.y.z.w\n")
	f.Add("work 00000 0000\n")
	f.Fuzz(func(t *testing.T, out string) {
		st := ParseStatus(out)
		words := []string{st.ID, st.State, st.Why, st.Agent, st.Job, st.Owner.String()}
		for _, d := range st.Doing {
			words = append(words, d.String())
		}
		for _, e := range st.Ended {
			words = append(words, e.ID, e.Why)
			if found, _, ok := st.Of(e.ID); !ok || found.ID != e.ID {
				t.Fatalf("%q is not found in %+v", e.ID, st)
			}
		}
		if all := strings.Join(words, ""); !plain(all) || strings.ContainsAny(st.ID+st.State+st.Job, " \n") {
			t.Fatalf("%q", words)
		}
		if st.ID != "" && !st.Held() {
			t.Fatalf("%+v is open, and held by nobody", st)
		}
	})
}

// The way that a connection came goes back to the host in a script: it is addresses and ports, or nothing.
func FuzzConnection(f *testing.F) {
	f.Add("192.0.2.7 50000 203.0.113.10 22")
	f.Add("fe80::1%eth0 1 fe80::2%$(id) 22")
	f.Add("1.2.3.4 1 1.2.3.4 99999")
	f.Fuzz(func(t *testing.T, said string) {
		c, ok := parseConnection(said)
		if !ok {
			if c != (connection{}) {
				t.Fatalf("%+v of what is none", c)
			}
			return
		}
		if strings.ContainsAny(c.text, "'\"`$\\;\n") || len(strings.Fields(c.text)) != 4 || c.port < 0 || c.port > 65535 || !c.source.IsValid() {
			t.Fatalf("%+v", c)
		}
	})
}

// What a process of listeners says reaches the listener that it is for, and never waits for anybody to hear it.
func FuzzListening(f *testing.F) {
	f.Add("1 peer 192.0.2.1 5000\n1 closed\n2 ok 25\n1 closed\n")
	f.Add("1 peer x y\n1 peer\n\x00 \n2 peer ::1 99999\n3 closed\n")
	f.Fuzz(func(t *testing.T, said string) {
		h := &listenProcess{listeners: map[string]*hostListener{}}
		for _, id := range []string{"1", "2"} {
			h.listeners[id] = &hostListener{id: id, said: make(chan []string, 1), peers: make(chan netip.AddrPort, 2), closed: make(chan struct{})}
		}
		for line := range strings.Lines(said) {
			if w := strings.Fields(line); len(w) > 1 {
				h.take(w[0], w[1:])
			}
		}
		for id, one := range h.listeners {
			for range len(one.peers) {
				if peer := <-one.peers; !peer.IsValid() {
					t.Fatalf("%s heard of %v", id, peer)
				}
			}
		}
	})
}
