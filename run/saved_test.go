package run

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/saved"
	"postern/site"
)

// strange is a host whose system is not known here, and which has next to none of the tools that are asked for.
func strange(name string) *Fake {
	f := &Fake{Name: name, Clock: func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }}
	f.Answer = func(q remote.Query) remote.Answer {
		switch q.ID {
		case "system":
			return remote.Answer{Out: "== kernel\nOpenBSD\n== init\nother\n== release\n== end\n"}
		case "rules":
			return remote.Answer{Out: "== no", Code: -1, Late: true}
		}
		return remote.Answer{Out: "there is no such command\n", Code: 127}
	}
	f.Write("/etc/pf.conf", &remote.File{Text: "pass all\n", Mode: 0o600, Owner: "root:wheel"})
	return f
}

func runnerOf(connect func(context.Context, remote.Target) (Login, error)) *Runner {
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	s.Host("proxy").SSH = "root@[2001:db8:113::10]"
	return &Runner{Site: s, Connect: connect, Clock: time.Now, Deadline: time.Minute}
}

// taken is a look at a host, through its file.
func taken(t *testing.T, host string, connect func(context.Context, remote.Target) (Login, error)) *saved.Look {
	t.Helper()
	r := runnerOf(connect)
	defer r.Close()
	look, err := r.Save(t.Context(), r.Site.Host(host), "test")
	if err != nil {
		t.Fatal(err)
	}
	file, _, err := look.Text([]byte("a key"))
	if err != nil {
		t.Fatal(err)
	}
	if look, err = saved.Parse(file); err != nil {
		t.Fatal(err)
	}
	return look
}

// A look is taken of a system that nothing can be done to, and of a host that cannot tell most of it; planned from it, the same is refused.
func TestALookRefusesNoSystem(t *testing.T) {
	hosts := Fakes(strange("proxy"), strange("mail"))
	proxy, mail := taken(t, "proxy", hosts), taken(t, "mail", hosts)
	if proxy.Len() < 80 || mail.Len() < 50 {
		t.Errorf("%d and %d answers: not all is asked of a strange host", proxy.Len(), mail.Len())
	}
	live, old := runnerOf(hosts), runnerOf(Saved(proxy, mail))
	defer live.Close()
	defer old.Close()
	want, err := live.Propose(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := old.Propose(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Plans, want.Plans) || len(got.Refused()) == 0 || !strings.Contains(strings.Join(got.Refused(), "\n"), "proxy runs openbsd") {
		t.Errorf("planned from the looks is\n%+v\nfrom the hosts\n%+v", got.Plans, want.Plans)
	}
}

// A plan that wants more than a look has, or a look at another host, is refused with what is missing.
func TestALookOfOtherAnswers(t *testing.T) {
	hosts := Fakes(strange("proxy"), strange("mail"))
	proxy, mail := taken(t, "proxy", hosts), taken(t, "mail", hosts)
	for says, change := range map[string]func(*Runner){
		`proxy: looking: the look of 2026-11-30 12:00 UTC lacks "units wg7" and 6 more: take it again with 'postern look proxy'`: func(r *Runner) { r.Site.Tunnel.Interface = "wg7" },
		`mail: there is no look of it: 'postern look mail' takes one, and another --facts gives it`:                              func(r *Runner) { r.Connect = Saved(proxy) },
	} {
		r := runnerOf(Saved(proxy, mail))
		change(r)
		_, err := r.Propose(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		r.Close()
	}
}

// What was found in a first look can raise other questions, such as how to get to the address that was found: both rounds are in the file.
func TestALookOfTwoRounds(t *testing.T) {
	two := func() []*Fake {
		hosts := []*Fake{strange("proxy"), strange("mail")}
		for _, f := range hosts {
			rest := f.Answer
			f.Answer = func(q remote.Query) remote.Answer {
				if q.ID == "addresses" && f.Name == "proxy" {
					return remote.Answer{Out: "== addresses\n2: eth0    inet 203.0.113.10/24 scope global eth0\\       valid_lft forever preferred_lft forever\n== routes4\ndefault via 203.0.113.1 dev eth0 \n== routes6\n== end\n"}
				}
				return rest(q)
			}
		}
		return hosts
	}
	hosts := two()
	proxy, mail := taken(t, "proxy", Fakes(hosts...)), taken(t, "mail", Fakes(hosts...))
	for _, f := range hosts {
		if f.asked["facts"] != 4 {
			t.Errorf("%s was looked at %d times in two looks: there was no second round", f.Name, f.asked["facts"])
		}
	}
	r := runnerOf(Saved(proxy, mail))
	defer r.Close()
	if p, err := r.Propose(t.Context(), nil); err != nil || p.Site.Host("proxy").Public4.String() != "203.0.113.10" {
		t.Errorf("planned from two rounds: %v", err)
	}
}

// A saved look is no host: it is planned from, and nothing else, and one that was taken in the middle of a job tells nothing.
func TestASavedLookIsNoHost(t *testing.T) {
	proxy := taken(t, "proxy", Fakes(strange("proxy"), strange("mail")))
	l, err := Saved(proxy)(t.Context(), remote.Target{Name: "proxy"})
	if err != nil {
		t.Fatal(err)
	}
	begin := l.Begin(t.Context(), remote.Transaction{}, nil)
	_, dial := l.DialContext(t.Context(), "tcp", "203.0.113.10:25")
	_, exec := l.Exec(t.Context(), remote.ReadRun("x", "reboot"))
	for _, err := range []error{begin, dial, exec, l.Hand(t.Context(), "x"), l.Tidy(t.Context()), l.Prepare(t.Context(), "x", nil, nil)} {
		if err == nil || !strings.Contains(err.Error(), "proxy: it is a saved look") {
			t.Errorf("it did what only a host does: %v", err)
		}
	}
	proxy.Add([]remote.Query{remote.ReadStatus}, remote.Facts{Answers: map[string]remote.Answer{remote.ReadStatus.ID: {Out: "work abc\ndoing install ufw\n"}}})
	if _, err := Saved(proxy)(t.Context(), remote.Target{Name: "proxy"}); !errors.Is(err, saved.ErrLacks) || !strings.Contains(err.Error(), "while a job was at work") {
		t.Errorf("a look of the middle of a job: %v", err)
	}
}
