package demo_test

import (
	"context"
	"errors"
	"net"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/saved"
	"postern/site"
	"postern/steps"
)

// nowhere is a network in which nothing may be dialled.
type nowhere struct{ *testing.T }

func (n nowhere) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	n.Errorf("%s was dialled", address)
	return nil, errors.New("nothing is dialled here")
}

// saves looks at every host, and takes the look through its file.
func (o *operator) saves() (looks []*saved.Look, files []string) {
	o.Helper()
	for _, h := range o.site.Hosts {
		if err := o.run(func(ctx context.Context, r *run.Runner) error {
			taken, err := r.Save(ctx, h, "test")
			if err != nil {
				return err
			}
			file, _, err := taken.Text([]byte("a key"))
			if err != nil {
				return err
			}
			look, err := saved.Parse(file)
			looks, files = append(looks, look), append(files, file)
			return err
		}); err != nil {
			o.Fatalf("look %s: %v", h.Name, err)
		}
	}
	return looks, files
}

// shown is a proposal as plan shows it, with what warned on the way there.
func (o *operator) shown(ids []string, with func(*run.Runner)) (text string, plans []steps.Plan) {
	o.Helper()
	if err := o.run(func(ctx context.Context, r *run.Runner) error {
		var b strings.Builder
		r.Emit = func(e steps.Event) {
			if e.Kind == "warn" {
				b.WriteString(e.Host + ": " + e.Text + "\n")
			}
		}
		r.Site = r.Site.Clone() // as each command reads the file anew
		with(r)
		p, err := r.Propose(ctx, ids)
		if err != nil {
			return err
		}
		for _, l := range append(report.Proposal(p, report.Said{}, true), report.Objections(p)...) {
			b.WriteString(l.Text + "\n")
		}
		text, plans = b.String()+p.Guard.String(), p.Plans
		return nil
	}); err != nil {
		o.Errorf("plan %v: %v", ids, err)
	}
	return text, plans
}

// guessed is what stands for a password of Mailcow's, on its host and in a look.
var guessed = regexp.MustCompile(`((?:DBPASS|DBROOT|REDISPASS)=redacted:)(?:hidden-)?[0-9a-f]{16}`)

// same wants every plan made of saved looks to be the one that is made of the hosts: each word of it, and each change.
func (o *operator) same(when string) {
	o.Helper()
	looks, files := o.saves()
	o.turn++ // all chapters, and each by itself in some scene
	for _, ids := range [][]string{nil, {steps.All()[o.turn%len(steps.All())].ID}} {
		want, plans := o.shown(ids, func(*run.Runner) {})
		got, also := o.shown(ids, func(r *run.Runner) { r.Connect, r.Here = run.Saved(looks...), nowhere{o.T} })
		if got, want := guessed.ReplaceAllString(got, "$1"), guessed.ReplaceAllString(want, "$1"); got != want {
			o.Errorf("%s: plan %v of the saved looks\n%s\nof the hosts\n%s", when, ids, got, want)
		}
		for i := range min(len(plans), len(also)) {
			for j := range plans[i].Parts { // but for the secrets that stand in files, each by its hash
				for k, c := range plans[i].Parts[j].Changes {
					unhide(c.Old, also[i].Parts[j].Changes[k].Old)
					unhide(c.New, also[i].Parts[j].Changes[k].New)
				}
			}
		}
		if !reflect.DeepEqual(plans, also) {
			o.Errorf("%s: plan %v: the saved looks make other changes of it", when, ids)
		}
	}
	for i, h := range o.site.Hosts { // nothing that this program itself writes is taken for a secret
		for line := range strings.Lines(files[i]) {
			if saved.Hides(guessed.ReplaceAllString(line, "")) {
				o.Errorf("%s: %s: hidden is %s", when, h.Name, line)
			}
		}
	}
}

// unhide puts back what stands for a password on the host.
func unhide(host, look *remote.File) {
	if host == nil || look == nil || guessed.ReplaceAllString(host.Text, "$1") != guessed.ReplaceAllString(look.Text, "$1") {
		return
	}
	look.Text = host.Text
}

// TestPlanOfSavedLooks: over the demo's scenes, from bare hosts to proven ones and back, what is planned of the hosts is planned of their
// saved looks.
func TestPlanOfSavedLooks(t *testing.T) {
	for name, scene := range map[string]struct {
		fault string
		set   [][2]string
		whole bool // applied at once
	}{
		"haraka":    {},
		"direct":    {set: [][2]string{{"mail.path", "direct"}}},
		"smarthost": {set: [][2]string{{"smarthost.host", "relay.example.net"}, {"smarthost.user", "ann"}}, whole: true},
		"plain":     {set: [][2]string{{"mail.kind", "plain"}, {"web.kind", "existing"}}, whole: true},
		"lan":       {set: [][2]string{{"mail.lan", "192.168.50.0/24"}, {"tunnel.network6", "fd00:7::/64"}, {"ports.imaps", "1993"}}, whole: true},
		"dkim":      {fault: "dkim"},
		"unit":      {fault: "unit", whole: true},
		"password":  {fault: "password", whole: true},
	} {
		if testing.Short() && name != "haraka" && name != "smarthost" {
			continue
		}
		t.Run(name, story(func(t *testing.T) {
			var faults []string
			if scene.fault != "" {
				faults = []string{scene.fault}
			}
			o := newOperator(t, 10*time.Minute, faults...)
			for _, pair := range scene.set {
				if err := site.Set(o.site, pair[0], pair[1]); err != nil {
					t.Fatal(err)
				}
			}
			o.same("bare")
			lists := [][]string{nil}
			if !scene.whole {
				lists = [][]string{{"firewall"}, {"wireguard"}, {"mailcow"}, nil}
			}
			for _, ids := range lists {
				err := o.run(func(ctx context.Context, r *run.Runner) error {
					r.Ask = func(context.Context, remote.Prompt) (string, error) { return "Kn4ckw0rst", nil }
					_, err := r.Apply(ctx, ids)
					return err
				})
				if err != nil && name != "plain" && name != "unit" { // what a scene comes to is not asked here
					t.Fatalf("apply %v: %v\n%s", ids, err, o.told())
				}
				o.same("after the apply of " + strings.Join(ids, " "))
			}
			if err := o.undo("firewall"); err == nil {
				o.same("after an undo")
			}
		}))
	}
}

// A look at one host, while the other one is not there, says so, and tells apart what it lacks.
func TestALookAtOneHost(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, time.Minute)
		whole := o.connect
		o.connect = func(ctx context.Context, target remote.Target) (run.Login, error) {
			if target.Name == "proxy" {
				return nil, errors.New("proxy: nobody answers")
			}
			return whole(ctx, target)
		}
		mail := o.site.Host("mail")
		if err := o.run(func(ctx context.Context, r *run.Runner) error { _, err := r.Save(ctx, mail, "test"); return err }); err != nil {
			t.Errorf("%v\n%s", err, o.told())
		}
		if !strings.Contains(o.told(), "event warn proxy not reached") {
			t.Errorf("nobody says that the proxy is not there:\n%s", o.told())
		}
		if err := o.run(func(ctx context.Context, r *run.Runner) error {
			_, err := r.Save(ctx, o.site.Host("proxy"), "test")
			return err
		}); err == nil || err.Error() != "proxy: nobody answers" {
			t.Errorf("a look at a host that is not there: %v", err)
		}
	})(t)
}
