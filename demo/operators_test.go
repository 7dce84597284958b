package demo_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	"postern/run"
	"postern/steps"
)

const (
	theirs22 = "\n### tuple ### allow any 22 0.0.0.0/0 any 0.0.0.0/0 in\n-A ufw-user-input -p tcp --dport 22 -j ACCEPT\n-A ufw-user-input -p udp --dport 22 -j ACCEPT\n"
	deny25   = "\n### tuple ### deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in\n-A ufw-user-input -p tcp --dport 25 -j DROP\n"
)

// typedBefore puts rules of the operator's before all others of a host, and has it load them.
func typedBefore(h *demo.Host, rules string) {
	const path, mark = "/etc/ufw/user.rules", "### RULES ###\n"
	f := h.File(path)
	h.Write(path, &remote.File{Text: strings.Replace(f.Text, mark, mark+rules, 1), Mode: f.Mode, Owner: f.Owner})
	h.Restart()
}

// TestOperatorsRules: a port that the operator opened is not opened twice; one that they closed is told, and not overridden.
func TestOperatorsRules(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, 10*time.Minute)
		for _, h := range []*demo.Host{o.w.Proxy, o.w.Mail} {
			demo.Install(h, "ufw", "iptables")
			typedBefore(h, theirs22)
		}
		if err := o.apply(); err != nil {
			t.Fatalf("apply: %v\n%s\n%s", err, bad(o.last), o.told())
		}
		o.proven("after the apply", "firewall.rules") // SSH of the mail host is open to more than the home, by a rule of the operator's
		if text := o.w.Proxy.File("/etc/ufw/user.rules").Text; strings.Count(text, "-p tcp --dport 22 ") != 1 {
			t.Errorf("SSH is admitted twice:\n%s", text)
		}
		typedBefore(o.w.Proxy, deny25)
		told := map[string]string{}
		if err := o.run(func(ctx context.Context, r *run.Runner) error {
			out, err := r.Apply(ctx, nil)
			if !out.Empty || checks.Exit(out.Results) != 1 {
				t.Errorf("an apply that mends nothing: empty %v, exit %d", out.Empty, checks.Exit(out.Results))
			}
			results, err2 := r.Check(ctx, []string{"firewall"})
			if err == nil {
				err = err2
			}
			for _, one := range append(out.Results, results...) {
				if _, isStep := steps.Find(one.Fix); isStep && one.Answer != "host.proxy.first=25/tcp" {
					t.Errorf("%s offers %q, which would change nothing", one.ID, one.Fix)
				}
				told[one.ID] += string(one.Outcome) + " " + one.Likely
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		if got := told["firewall.rules"]; !strings.Contains(got, "fail") || !strings.Contains(got, "ufw delete deny 25/tcp") {
			t.Errorf("firewall.rules says %q", got)
		}
	})(t)
}
