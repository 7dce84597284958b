package firewall

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"sort"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.boot", Step: "firewall", Title: "After a reboot the firewall is as it is now",
		Page: checks.Page{
			Asks:  "Would each host, were it to start anew now, have the firewall that runs? Its files and units are compared with the rules of the kernel. Nothing is restarted for it.",
			OK:    "What runs is also what a reboot brings.",
			Fail:  "A reboot would bring other rules, or none: something was set by hand and not kept, or a file was edited and not loaded.",
			Mends: "The chapter Firewall writes the files anew. Rules of your own that you want to keep belong into ufw first.",
		},
		Guide: "firewall, Enable IP Forwarding; Enabling and Verifying the Firewall",
		Reads: checks.Join(seen.UnitsOf.Reads, seen.Rules.Reads, seen.Sysctl.Reads, seen.Forwarding.Reads, checks.Files(fileUfwConf, fileUfwUser, fileUfwUser6)), Ask: checks.Linux(askBoot),
	})
}

const ufwUnit = "ufw.service"

// askBoot compares what the host's files will make of it with what runs.
func askBoot(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "files and units that make what runs now", Fix: "firewall", Likely: "it was set by hand and not kept, or a file was edited and not loaded"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		u, err := checks.UnitsOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		if u.Armed {
			return q.Skip(checks.Waiting)
		}
		w, err := e.Ufw(ctx, v)
		if err != nil {
			return q.Cannot(err)
		}
		if w.Absent {
			return q.Fail("ufw is not installed", "", "")
		}
		conf, known := v.Facts.File(fileUfwConf)
		if !known || conf == nil {
			return q.Unknown(fileUfwConf+" could not be read", "")
		}
		var wrong []string
		starts := strings.EqualFold(setting(conf.Text, "ENABLED"), "yes") && u.By[ufwUnit].Enabled()
		if starts != w.Active {
			wrong = append(wrong, fmt.Sprintf("ufw runs: %t, and starts at boot: %t (ENABLED=%s, unit %s)", w.Active, starts,
				remote.Clean(setting(conf.Text, "ENABLED")).Line(20), u.By[ufwUnit].AtBoot))
		} else if !starts {
			wrong = append(wrong, "ufw does not start at boot")
		}
		rules, err := unlike(v.Facts)
		var forwarding []string
		if err == nil && h.Role == site.Proxy { // on a mail host Docker switches it on for itself
			forwarding, err = forwardingAtBoot(e, v.Facts)
		}
		if err != nil {
			return q.Cannot(err)
		}
		return q.None(slices.Concat(wrong, rules, forwarding), "ufw starts at boot with the rules that run")
	}, site.Proxy, site.Mail)
}

// unlike compares ufw's rules in its files with those that run, both ways.
func unlike(f remote.Facts) ([]string, error) {
	var wrong []string
	rules, err := rulesOf(f)
	if err != nil {
		return nil, err
	}
	for _, one := range []struct {
		now  seen.Tables
		file string
	}{{rules.Four, fileUfwUser}, {rules.Six, fileUfwUser6}} {
		file, known := f.File(one.file)
		if !known || file == nil {
			return nil, fmt.Errorf("%s could not be read", one.file)
		}
		kept, err := seen.ParseTables(strings.Split(file.Text, "\n"))
		if err != nil || kept["filter"] == nil {
			return nil, fmt.Errorf("%s is not a rules file", one.file)
		}
		boot, now := userRules(kept["filter"]), userRules(one.now["filter"])
		for text, n := range boot {
			if now[text] < n {
				wrong = append(wrong, fmt.Sprintf("%s has a rule that does not run: %s", one.file, text))
			}
		}
		for text, n := range now {
			if boot[text] < n {
				wrong = append(wrong, fmt.Sprintf("a rule runs that %s does not have: %s", one.file, text))
			}
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}

// userRules counts the rules in the chains that hold ufw's own rules, in one spelling.
func userRules(t *seen.Table) map[string]int {
	count := map[string]int{}
	for _, r := range t.Rules {
		if strings.HasSuffix(r.Chain, "-user-input") || strings.HasSuffix(r.Chain, "-user-forward") || strings.HasSuffix(r.Chain, "-user-output") {
			count[r.Spelling()]++
		}
	}
	return count
}

// forwardingAtBoot compares the forwarding that runs with what sysctl.d and then ufw will set, and names forwarded ports
// that nothing sends on after a reboot.
func forwardingAtBoot(e *checks.Env, f remote.Facts) (wrong []string, err error) {
	settings, err := seen.Sysctl.Of(f)
	if err != nil {
		return nil, err
	}
	loaded, err := seen.Forwarding.Of(f)
	if err != nil {
		return nil, err
	}
	live, boot := settings.Live, bootValues(settings.Files)
	for _, key := range forwardKeys(e.Site) {
		if at := cmp.Or(boot[key], "0"); at != live[key] {
			wrong = append(wrong, fmt.Sprintf("%s is %s and will be %s after a reboot", key, live[key], remote.Clean(at).Line(10)))
		}
	}
	for _, one := range forwarded(e.Site) {
		to := netip.AddrPortFrom(e.Site.Tunnel.Mail, uint16(one.Port)).String()
		if !slices.ContainsFunc(loaded, func(l seen.Loaded) bool {
			return l.Runs && l.Rule.Target == "DNAT" && l.Rule.To == to && seen.HasPort(l.Rule.Ports, one.Port)
		}) {
			wrong = append(wrong, fmt.Sprintf("nothing that runs at boot sends %s %d on to %s", one.Name, one.Port, to))
		}
	}
	return wrong, nil
}

// bootValues is what sysctl settings come to at boot: files by name, the administrator's folder hiding others of the
// same name, and last what ufw sets when it starts.
func bootValues(files []seen.Setting) map[string]string {
	hides := map[string]string{} // the file that counts, by name; folders come in their order of precedence
	var dropIns, ufw []seen.Setting
	for _, one := range files {
		name := path.Base(one.File)
		switch {
		case one.File == seen.SysctlConf: // Debian links to it from among the drop-ins, or leaves it out
		case one.File == seen.UfwSysctl:
			ufw = append(ufw, one)
		case hides[name] == "" || hides[name] == one.File:
			hides[name] = one.File
			dropIns = append(dropIns, one)
		}
	}
	sort.SliceStable(dropIns, func(i, j int) bool { return path.Base(dropIns[i].File) < path.Base(dropIns[j].File) })
	all := map[string]string{}
	for _, one := range append(dropIns, ufw...) {
		key := one.Key()
		if key == "net.ipv4.conf.all.forwarding" {
			key = forward4
		}
		all[key] = one.Value
	}
	return all
}
