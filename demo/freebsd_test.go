package demo_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
)

var update = flag.Bool("update", false, "write the golden plans anew")

// abroad are scenes with FreeBSD hosts: what each host runs, and the answers.
var abroad = map[string]struct {
	proxy, mail string // releases; "" is Debian
	dhcp, only4 bool
	jails       bool // one host with jails
	set         [][2]string
}{
	"proxy-13":      {proxy: "13.2-RELEASE"},
	"proxy-14":      {proxy: "14.3-RELEASE-p2", only4: true},
	"proxy-15":      {proxy: "15.1-RELEASE-p1", dhcp: true},
	"proxy-ports":   {proxy: "15.0-RELEASE", set: [][2]string{{"ports.imaps", "1993"}, {"tunnel.port", "51999"}, {"tunnel.interface", "wg7"}, {"host.proxy.keep", "8443/tcp"}}},
	"proxy-dual":    {proxy: "14.3-RELEASE", set: [][2]string{{"tunnel.network6", "fd00:7::/64"}}},
	"proxy-masks":   {proxy: "14.3-RELEASE", set: [][2]string{{"clients.addresses", "masquerade"}}},
	"proxy-direct":  {proxy: "15.0-RELEASE", set: [][2]string{{"mail.path", "direct"}}},
	"mail-14":       {mail: "14.3-RELEASE", only4: true, set: [][2]string{{"mail.kind", "plain"}}},
	"jails":         {jails: true},
	"both-15-masks": {proxy: "15.0-RELEASE", mail: "15.0-RELEASE", set: [][2]string{{"mail.kind", "plain"}, {"clients.addresses", "masquerade"}}},
}

func newAbroad(t *testing.T, name string, faults ...string) *operator {
	t.Helper()
	o, scene := newOperator(t, 10*time.Minute, faults...), abroad[name]
	if scene.jails {
		w, err := demo.New(demo.Options{Faults: faults, Speed: 5, Jails: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Close)
		o.w, o.connect = w, w.Connect(func(context.Context, remote.Prompt) (string, error) { return "yes", nil })
		o.site.Layout, o.site.Hosts = "toaster", []*site.Host{{Name: "toaster", Role: site.Proxy, SSH: "root@" + demo.ProxyAddress}}
		return o
	}
	o.chapters = []string{"network", "firewall", "wireguard"}
	if scene.proxy != "" {
		demo.BSD(o.w.Proxy, scene.proxy, scene.dhcp, scene.only4)
	}
	if scene.mail != "" {
		demo.BSD(o.w.Mail, scene.mail, scene.dhcp, scene.only4)
	}
	for _, pair := range scene.set {
		if err := site.Set(o.site, pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// fromFacts is `plan --facts` of looks that are taken now: nothing else is asked of anybody.
func (o *operator) fromFacts() (text string, plans []steps.Plan) {
	o.Helper()
	looks, _ := o.saves()
	return o.shown(o.chapters, func(r *run.Runner) { r.Connect, r.Here = run.Saved(looks...), nowhere{o.T} })
}

var publicKey = regexp.MustCompile(`[A-Za-z0-9+/]{43}=`)

// printed is what a plan puts on FreeBSD hosts: whole files, and what runs beside them.
func printed(o *operator, plans []steps.Plan) string {
	var b strings.Builder
	for _, plan := range plans {
		for _, n := range plan.Notes {
			if abroad := o.site.Host(n.Host); abroad != nil && abroad.BSD() {
				fmt.Fprintf(&b, "note %s: %s\n", n.Host, n.Text)
			}
		}
		for _, part := range plan.Parts {
			for _, c := range part.Changes {
				if !o.site.Host(part.Host).BSD() {
					continue
				}
				fmt.Fprintf(&b, "%s %s: %s [%s]\n", part.Host, c.ID, c.Title, c.Risk)
				if c.New != nil {
					fmt.Fprintf(&b, "file %s %04o %s\n%s", c.Path, c.New.Mode, c.New.Owner, c.New.Text)
				}
				for _, script := range [][2]string{{"do", c.Do}, {"keep", c.Keep}, {"undo", c.Undo}} {
					text := script[1]
					if strings.Contains(text, "pfctl") || strings.Contains(text, "pkg install") {
						text = "(it loads pf's rules, or installs a package)"
					}
					if text != "" {
						fmt.Fprintf(&b, "%s\n  %s\n", script[0], strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  "))
					}
				}
			}
		}
	}
	return publicKey.ReplaceAllString(b.String(), "KEY")
}

// TestFreeBSD: chapters 1 to 3 of FreeBSD hosts, and all of one with jails, planned of saved looks, done, proven as far as it can be, planned again, rebooted, and undone.
func TestFreeBSD(t *testing.T) {
	for name := range abroad {
		if testing.Short() && name != "proxy-15" && name != "mail-14" && name != "jails" {
			continue
		}
		t.Run(name, story(func(t *testing.T) {
			o, was := newAbroad(t, name), newAbroad(t, name)
			o.same("bare")
			_, bare := o.fromFacts()
			if err := o.run(func(ctx context.Context, r *run.Runner) error { // the preparations alone
				r.Approve = func(_ context.Context, p *run.Proposal) (bool, error) { return p.Inert, nil }
				_, err := r.Apply(ctx, o.chapters)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			_, ready := o.fromFacts()
			o.site.Saw(seenBy(o))
			if !abroad[name].jails { // of which steps has the stories
				golden(t, name, printed(o, bare)+"\nthen\n\n"+printed(o, ready))
			}
			if err := o.run(func(ctx context.Context, r *run.Runner) error {
				out, err := r.Apply(ctx, o.chapters)
				o.judged(out.Results)
				return err
			}); err != nil {
				t.Fatalf("%v\n%s", err, o.told())
			}
			o.same("set up")
			settled := func(when string) {
				if text, plans := o.fromFacts(); !empty(plans) {
					t.Errorf("%s there is something to change:\n%s", when, text)
				}
			}
			settled("planned again")
			o.w.Proxy.Restart()
			o.w.Mail.Restart()
			settled("after a reboot")
			if err := o.run(func(ctx context.Context, r *run.Runner) error {
				results, err := r.Check(ctx, o.chapters)
				o.judged(results)
				return err
			}); err != nil {
				t.Errorf("%v\n%s", err, o.told())
			}
			if err := o.undo(o.chapters...); err != nil {
				t.Fatalf("%v\n%s", err, o.told())
			}
			for i, h := range []*demo.Host{was.w.Proxy, was.w.Mail}[:len(o.site.Hosts)] {
				if !abroad[name].jails {
					demo.Install(h, "wireguard-tools")
				}
				if !o.site.Hosts[i].BSD() {
					demo.Install(h, "ufw", "iptables")
				}
				h.Restart()
				if got, want := demo.Whole([]*demo.Host{o.w.Proxy, o.w.Mail}[i]), demo.Whole(h); got != want {
					t.Errorf("%s undone has\n%s\nand had\n%s", h.Name, beyond(got, want), beyond(want, got))
				}
			}
		}))
	}
}

// beyond are the lines that one text has and the other has not.
func beyond(text, other string) (lines string) {
	for line := range strings.Lines(text) {
		if !strings.Contains(other, line) {
			lines += line
		}
	}
	return lines
}

// seenBy is the site with what was seen of its hosts.
func seenBy(o *operator) (found *site.Site) {
	_ = o.run(func(ctx context.Context, r *run.Runner) error {
		p, err := r.Propose(ctx, o.chapters)
		if err == nil {
			found = p.Site
		}
		return err
	})
	return found
}

func empty(plans []steps.Plan) bool {
	for _, p := range plans {
		if !p.Empty() {
			return false
		}
	}
	return true
}

// judged wants no result to be bad but for what no listener stands in for: a FreeBSD host has none.
func (o *operator) judged(results []checks.Result) {
	o.Helper()
	ok := 0
	for _, r := range results {
		lacks := r.Outcome == checks.Unknown && (strings.Contains(r.Saw.String(), "no listener could be made") || strings.HasSuffix(r.Saw.String(), "is not reached: refused"))
		switch {
		case r.Outcome == checks.OK:
			ok++
		case r.Outcome != checks.Skip && !lacks && !strings.HasPrefix(r.ID, "dns."):
			o.Errorf("%s %s from %s: %s, likely %s\n%s", r.Outcome, r.ID, r.From, r.Saw, r.Likely, r.Evidence)
		}
	}
	if ok < 30 {
		o.Errorf("only %d are ok", ok)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/freebsd/" + name + ".txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// A FreeBSD host that a change locks out takes it back by itself, and is then as it was: what its pf runs, too.
func TestFreeBSDTakesALockOutBack(t *testing.T) {
	for _, name := range []string{"proxy-15", "jails"} {
		t.Run(name, story(func(t *testing.T) {
			o := newAbroad(t, name, "lockout")
			o.deadline = 30 * time.Second
			before := demo.Whole(o.w.Proxy)
			err := o.apply("firewall")
			if !errors.Is(err, run.ErrRolledBack) {
				t.Fatalf("%v\n%s", err, o.told())
			}
			if after := demo.Whole(o.w.Proxy); after != before {
				t.Errorf("it is\n%s\nand was\n%s", after, before)
			}
		}))
	}
}

// What is not done on FreeBSD holds nothing up: where no chapter is named it is left out and told, and named it is refused.
func TestFreeBSDLeavesChaptersOut(t *testing.T) {
	story(func(t *testing.T) {
		o := newAbroad(t, "proxy-15")
		var out run.Outcome
		if err := o.run(func(ctx context.Context, r *run.Runner) (err error) { out, err = r.Apply(ctx, nil); return err }); err != nil {
			t.Fatalf("%v\n%s", err, o.told())
		}
		if !out.Changed || len(out.LeftOut) != 2 || !strings.HasPrefix(out.LeftOut[0], "Haraka: proxy runs FreeBSD") || !strings.HasPrefix(out.LeftOut[1], "Caddy: ") {
			t.Errorf("%+v", out)
		}
		for _, r := range out.Results {
			if strings.HasPrefix(r.ID, "smtp.") || strings.HasPrefix(r.ID, "web.") {
				t.Errorf("%s is asked of a chapter that is left out", r.ID)
			}
		}
		if err := o.apply("haraka"); !errors.Is(err, run.ErrRefused) || !strings.Contains(err.Error(), "mail.path = direct") {
			t.Errorf("named it is %v", err)
		}
	})(t)
}

// A main file of the operator's is byte for byte his, whatever is applied and undone: with advise it gets lines to add, with anchors our rules
// stand in a file of ours that his calls.
func TestTheirPFConfStays(t *testing.T) {
	for main, calls := range map[string][3]string{"advise": {}, "anchors": {"nat-anchor \"postern\"\nrdr-anchor \"postern\"\n", "anchor \"postern\"\nload anchor \"postern\" from \"/etc/pf.postern.conf\"\n", "scrub on wg0 max-mss 1220\n"}} {
		t.Run(main, story(func(t *testing.T) {
			o := newAbroad(t, "proxy-15")
			o.site.PF.Main = main
			theirs := "# mine, by hand\nset skip on lo0\n" + calls[2] + calls[0] + "block in log\npass out\npass in inet proto icmp all\npass in proto tcp from any to any port 22\n" + calls[1]
			demo.Theirs(o.w.Proxy, theirs)
			same := func(when string) {
				if f := o.w.Proxy.File("/etc/pf.conf"); f == nil || f.Text != theirs || f.Mode != 0o600 || f.Owner != "root:wheel" {
					t.Errorf("%s it is %+v", when, f)
				}
			}
			if main == "anchors" {
				o.w.Proxy.Write("/etc/pf.postern.conf", nil)
			}
			var out run.Outcome
			if err := o.run(func(ctx context.Context, r *run.Runner) (err error) {
				out, err = r.Apply(ctx, []string{"firewall"})
				return err
			}); err != nil {
				t.Fatalf("%v\n%s", err, o.told())
			}
			same("applied")
			lines := ""
			for _, task := range out.Tasks {
				if strings.HasPrefix(task.ID, "firewall.lines.") {
					lines = task.Copy
				}
			}
			if (main == "advise") != strings.Contains(lines, "port { 25 80 443 }") {
				t.Errorf("lines to add: %q", lines)
			}
			for _, r := range out.Results {
				if want := map[string]checks.Outcome{"advise": checks.Fail, "anchors": checks.OK}[main]; r.Key() == "firewall.rules@proxy" && r.Outcome != want {
					t.Errorf("firewall.rules is %s: %s\n%s", r.Outcome, r.Saw, r.Evidence)
				}
			}
			o.w.Proxy.Restart()
			if err := o.undo("firewall"); err != nil {
				t.Fatalf("%v\n%s", err, o.told())
			}
			same("undone")
		}))
	}
}
