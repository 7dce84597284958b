package wizard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
)

// saysMore is what the engine says of changes and their proof, and what lies around it:
//
//	later 12s                       the clock goes on, and ticks
//	offer inert|guarded|undo STEP   a proposal with an example of everything
//	change HOST 2/4 1.5s TEXT       progress; also guard, connect, prove with a time
//	finding OUTCOME STEP ID FROM | saw | want | likely | fix | evidence
//	ended VERB STEP KIND            changed, empty, declined; stopped; or broke ID
//	refused STEP | why              a look at what is refused; lockout likewise
//	files                           files can be written; log PATH
func (x *table) saysMore(verbOf, rest string) bool {
	f := strings.Fields(rest)
	switch verbOf {
	case "later":
		d, err := time.ParseDuration(rest)
		if err != nil {
			x.t.Fatal(err)
		}
		now := x.w.o.Clock().Add(d)
		x.w.o.Clock = func() time.Time { return now }
		x.tell(tickMsg{})
	case "offer":
		p := example(x.w.file.Site, f[1])
		p.Inert, p.Undo = f[0] == "inert", f[0] == "undo"
		verb := "apply "
		if p.Undo {
			verb = "undo "
		}
		x.tell(proposalMsg{x.job(verb + f[1]), p, func(yes bool) { x.chosen = append(x.chosen, fmt.Sprintf("proposal: %v", yes)) }})
	case "change", "guard", "connect", "prove":
		e := steps.Event{Kind: verbOf, Host: f[0]}
		if e.Host == "-" {
			e.Host = ""
		}
		fmt.Sscanf(f[1], "%d/%d", &e.N, &e.Of)
		e.Elapsed, _ = time.ParseDuration(f[2])
		e.Text = strings.Join(f[3:], " ")
		x.tell(eventMsg{e})
	case "finding":
		x.tell(resultMsg{finding(rest)})
	case "ended":
		m := doneMsg{job: x.job(f[0] + " " + f[1])}
		for _, r := range x.w.results {
			m.results = append(m.results, r)
		}
		m.outcome = run.Outcome{Changed: f[2] == "changed", Empty: f[2] == "empty", Declined: f[2] == "declined", Results: m.results}
		if f[2] == "stopped" {
			m.err = fmt.Errorf("%w: %w", run.ErrRolledBack, context.Canceled)
		}
		if f[2] == "broke" {
			for _, r := range m.results {
				if r.ID == f[3] {
					m.err = fmt.Errorf("%w: %w", run.ErrRolledBack, &run.Regression{Lost: []checks.Result{r}})
				}
			}
		}
		x.tell(m)
	case "refused", "lockout":
		step, why, _ := strings.Cut(rest, " | ")
		p := example(x.w.file.Site, step)
		if verbOf == "refused" {
			p.Plans[0].Refused = []string{why}
		} else {
			p.Plans[0].LockOut = []string{why}
		}
		x.tell(doneMsg{job: x.job("look " + step), proposal: p})
	case "files":
		x.w.o.Script = func(*run.Proposal) ([]byte, error) { return []byte("#!/bin/sh\n"), nil }
		x.w.o.Write = func(name string, text []byte) (string, error) {
			x.chosen = append(x.chosen, "file "+name+":\n"+string(text))
			return "/home/me/" + name, nil
		}
	case "open":
		x.opens(rest)
	case "log":
		x.w.o.Log = func() string { return rest }
	default:
		return false
	}
	return true
}

// finding is a result with everything to say.
func finding(text string) checks.Result {
	p := append(strings.Split(text, " | "), "", "", "", "", "", "")
	f := strings.Fields(p[0])
	return checks.Result{Outcome: checks.Outcome(f[0]), Step: f[1], ID: f[2], From: f[3], Saw: remote.Clean(p[1]), Want: p[2], Likely: p[3], Fix: p[4],
		Evidence: remote.Clean(strings.ReplaceAll(p[5], `\n`, "\n")), Took: 100 * time.Millisecond, Rests: strings.Fields(p[6])}
}

// A chapter whose plan does no more than start again what was there is not one that never was in place.
func TestHalted(t *testing.T) {
	plan := func(forget ...bool) (p steps.Plan) {
		for _, f := range forget {
			p.Parts = append(p.Parts, steps.Part{Host: "mail", Changes: []remote.Change{{ID: "x", Forget: f}}})
		}
		return p
	}
	for _, c := range []struct {
		plan steps.Plan
		want bool
		says string
	}{{plan(true), true, "in place before, and does not run"}, {plan(true, false), false, means[needed]}, {plan(), false, means[needed]}} {
		b := board{chapters: []*chapter{{plan: c.plan, state: needed}}}
		if got := b.says(b.chapters[0]); halted(c.plan) != c.want || got != c.says || len(b.broken()) == 1 != c.want {
			t.Errorf("%+v: halted %v, %q, broken %d", c.plan, halted(c.plan), got, len(b.broken()))
		}
	}
}

// example is a proposal with one of everything for a step.
func example(s *site.Site, step string) *run.Proposal {
	s = s.Clone()
	s.Hosts[0].Public4 = netip.MustParseAddr("203.0.113.10")
	file := func(text string) *remote.File { return &remote.File{Text: text, Mode: 0o640, Owner: "root:root"} }
	rules := "*filter\n:ufw-before-input - [0:0]\n-A ufw-before-input -i lo -j ACCEPT\n"
	plan := steps.Plan{Step: step,
		After: []string{"proxy: the world reaches 25, 80, 443/tcp and 51820/udp; SSH stays open on 22 from anywhere"},
		Notes: []steps.Note{{Host: "proxy", Text: "ufw is there and not active"}, {Host: "mail", Warn: true, Text: "a rule of somebody else lets port 8080 in; it stays"}},
		Then:  []string{"the tunnel, when both hosts have their keys"},
		Tasks: []steps.Task{{ID: "provider.firewall.proxy", Title: "let the ports in at the provider of proxy", Text: "In the panel, under Network.", Copy: "tcp 80 443"}},
		Parts: []steps.Part{
			{Host: "proxy", Inert: true, Changes: []remote.Change{{ID: "packages", Step: step, Title: "install ufw on proxy", Do: "apt-get install -y ufw"}}},
			{Host: "proxy", Changes: []remote.Change{
				{ID: "sysctl", Step: step, Title: "forward packets between the world and the tunnel", Path: "/etc/sysctl.d/60-postern.conf",
					Why: "Without it nothing that comes in for the mail host leaves again.", New: file("net.ipv4.ip_forward = 1\n"), Do: "sysctl -p /etc/sysctl.d/60-postern.conf"},
				{ID: "rules", Step: step, Title: "admit and forward over IPv4 what is wanted, and no more", Path: "/etc/ufw/user.rules", Risk: remote.LoseMail,
					Old: file(rules), New: file("# written by postern\n" + rules + strings.Repeat("-A ufw-user-input -p tcp --dport 443 -j ACCEPT -m comment --comment postern\n", 9))},
				{ID: "old", Step: step, Title: "take the hand-made unit away", Path: "/etc/systemd/system/wireguard.service", Old: file("[Unit]\n")},
				{ID: "enable", Step: step, Title: "enable ufw", Risk: remote.LoseSSH, Do: "ufw --force enable", Undo: "ufw disable", Keep: "systemctl enable ufw"},
			}},
			{Host: "mail", Changes: []remote.Change{
				{ID: "enable", Step: step, Title: "enable ufw", Risk: remote.LoseSSH, Do: "ufw --force enable", Undo: "ufw disable"},
			}},
		}}
	return &run.Proposal{Guard: 2 * time.Minute, Site: s, Plans: []steps.Plan{plan}}
}

// proven are results of every outcome.
var proven = []string{
	"finding ok network host.ssh proxy | logged in from 198.51.100.20 to 203.0.113.10:22; sshd listens on port 22",
	"finding ok firewall firewall.active proxy | active; deny incoming, allow outgoing",
	"finding fail firewall firewall.open.imaps here | connect 203.0.113.10:imaps: timed out after 5 s | an answer of the mail host | " +
		"the forwarding rule is there, but the mail host drops it: ufw there has no rule for the tunnel. The port beside it works, because its rule is present. | firewall | " +
		`Chain PREROUTING (policy ACCEPT)\nDNAT tcp -- 0.0.0.0/0 203.0.113.10 to:10.0.0.2\n3 packets`,
	"finding warn firewall host.ways mail | 1: from here at home | two ways in | only one way leads in | give it a second one",
	"finding unknown firewall firewall.clients.imaps here | the mail host cannot be asked | the client's own address | there is no connection to mail | ",
	"finding skip firewall firewall.docker proxy | no Docker on it",
}

func init() {
	at := func(name string, lines []string, keys string) {
		scenes = append(scenes, scene{name, func(t *testing.T) *table {
			x := looked(t, append([]string{"log /home/me/.local/state/postern/run-20261121-061200-00.log", "started look", "done look"}, lines...)...)
			x.keys(keys)
			return x
		}})
	}
	apply := []string{"open apply firewall", "started apply firewall"}
	with := func(base []string, more ...string) []string { return append(append([]string{}, base...), more...) }
	guarded := with(apply, "offer guarded firewall")
	for keys, name := range map[string]string{"": "first", "up": "about", "down": "diff", "end": "last", "a": "way back"} {
		at("review, "+name, guarded, keys)
	}
	at("review, inert", with(apply, "offer inert firewall"), "")
	at("review, undo", []string{"open undo firewall", "started undo firewall", "offer undo firewall"}, "")
	refused := with(apply, "done apply firewall error: "+run.ErrRefused.Error()+": x")
	at("review, refused", with(refused, "refused firewall | the tunnel's network 10.0.0.0/24 is the home network too; choose another"), "")
	lockout := with(refused, "lockout firewall | you come from 198.51.100.20, and SSH would be admitted from 192.0.2.0/24 only")
	at("review, lock-out", lockout, "")
	at("review, lock-out, typing", lockout, `a "lose" enter`)
	begun := with(guarded, "prove - 0/0 0s asking 21 checks, to know what works now")
	changing := with(begun, "change proxy 1/4 0.4s forward packets between the world and the tunnel",
		"change proxy 2/4 0.9s admit and forward over IPv4 what is wanted, and no more", "change proxy 2/4 1.2s Rules updated", "change mail 1/1 0.3s enable ufw")
	at("apply, looking", apply, "")
	at("apply, changing", changing, "a enter")
	at("apply, silent", with(changing, "later 17s"), "a enter")
	armed := with(changing, "change proxy 4/4 1.5s enable ufw", "guard proxy 0/0 2.1s applied and guarded: the host takes it back by itself in 2m0s unless a new login confirms it",
		"guard mail 0/0 1.4s applied and guarded: the host takes it back by itself in 2m0s unless a new login confirms it")
	at("apply, lost link", with(armed, "event warn mail: a new login does not work yet: no answer within 10 s", "later 20s"), "a enter")
	at("apply, kept", with(armed, "connect proxy 0/0 0.2s a new login works", "prove - 0/0 0s asking 21 checks over the new logins", "event confirm proxy: confirmed over the new login; it is kept"), "a enter")
	at("ended, rolled back", with(armed, "event rollback proxy: taken back", "event rollback mail: taken back",
		"done apply firewall error: "+run.ErrRolledBack.Error()+": mail: no new login: no answer within 10 s"), "")
	at("ended, regression", with(append(armed, proven...), "ended apply firewall broke firewall.open.imaps"), "")
	at("ended, untold", with(armed, "done apply firewall error: "+run.ErrUntold.Error()+": mail: confirming: the connection to the host was lost"), "")
	at("ended, lost", with(armed, "done apply firewall error: "+remote.ErrLost.Error()), "")
	prove := with(append([]string{"open prove firewall", "started check firewall"}, proven...), "ended check firewall changed")
	at("prove", prove, "")
	at("prove, evidence", prove, "v")
	at("prove, filter", prove, `/ "imaps fa"`)
	at("prove, nothing", []string{"open prove firewall"}, "")
	at("prove, asking", append([]string{"open prove firewall", "started check firewall"}, proven...), "")
	at("overview", with(append([]string{"open overview", "started check"}, proven...), "ended check firewall changed"), "")
	at("overview, chosen", with(append([]string{"open overview", "started check"}, proven...), "ended check firewall changed"), "down down down")
	at("tasks", []string{"open tasks"}, "")
	at("tasks, done", []string{"open tasks"}, "space down")
}

// opens puts a page on top, as a page would.
func (x *table) opens(rest string) {
	f := strings.Fields(rest)
	var p page
	switch f[0] {
	case "apply", "undo":
		p = newApply(&x.w.board, x.job(rest))
	case "prove":
		p = newProve(&x.w.board, f[1:])
	case "overview":
		p = newOverview(&x.w.board)
	case "tasks":
		p = newTasks(&x.w.board, "firewall", []steps.Task{
			{ID: "provider.firewall.proxy", Title: "let the ports in at the provider of proxy", Text: "In the panel, under Network, Firewall policies:\nlet these in from everywhere. It takes a few minutes.", Copy: "tcp 80\ntcp 443", Check: "firewall.open"},
			{ID: "dns.records.example", Title: "publish the mail records of a-rather-long-name.example.org", Text: strings.Repeat("Publish all of them. ", 30), Copy: strings.Repeat("record with a long value ", 8)},
		})
	default:
		x.t.Fatal(errors.New(rest))
	}
	x.tell(openMsg{p})
}
