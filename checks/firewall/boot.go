package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.boot", Rests: []string{"firewall.rules@"}, Step: "firewall", Title: "After a reboot the firewall is as it is now",
		Page: checks.Page{
			Asks:    "Would each host, were it to start anew now, have the firewall that runs? All of ufw's files, the scripts that it calls, its unit with drop-ins and conditions, and the settings of each interface are compared with what the kernel has. On FreeBSD rc.conf and the file of pf are: whether pfctl takes it, and every packet that rules tell from others would end alike. Nothing is restarted for it.",
			OK:      "What runs is also what a reboot brings.",
			Fail:    "A reboot would bring other rules, or none: something was set by hand and not kept, or a file was edited and not loaded.",
			Unknown: "The host could not be read, or something acts at boot that cannot be judged: it is quoted.",
			Mends:   "The chapter Firewall writes the files anew. Rules of your own that you want to keep belong into ufw first.",
		},
		Guide: "firewall, Enable IP Forwarding; Enabling and Verifying the Firewall",
		Reads: checks.Join(pfReads, seen.UfwStatus.Reads, seen.SSH.Reads, seen.UnitsOf.Reads, seen.Rules.Reads, seen.Sysctl.Reads, seen.Forwarding.Reads, seen.Addresses.Reads,
			checks.Files(filePFAnchor, fileUfwConf, fileUfwDefault, seen.UfwUser, seen.UfwUser6, "/etc/ufw/before.rules", "/etc/ufw/before6.rules", "/etc/ufw/after.rules", "/etc/ufw/after6.rules")), Ask: checks.Linux(askBoot),
	})
}

const ufwUnit = "ufw.service"

// askBoot compares what the host's files will make of it with what runs.
func askBoot(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "files and units that make what runs now", Fix: "firewall", Likely: "it was set by hand and not kept, or a file was edited and not loaded"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if h.BSD() {
			return askPFBoot(e, q, h, v)
		}
		u, err := checks.UnitsOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		if u.Armed {
			return q.Skip(checks.Waiting)
		}
		w, err := seen.UfwStatus.Of(v.Facts)
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
		var loads, unsure []string
		if err == nil {
			loads, unsure, err = loading(v.Facts)
		}
		own := u.By[ufwUnit]
		wrong = append(wrong, own.Fails(ufwUnit)...)
		unsure = append(unsure, own.Altered...)
		for _, other := range []string{"netfilter-persistent.service", "nftables.service"} {
			if u.By[other].Enabled() {
				unsure = append(unsure, other+" loads rules of its own at boot")
			}
		}
		var forwarding []string
		if err == nil && h.Role == site.Proxy { // on a mail host Docker switches it on for itself
			forwarding, err = forwardingAtBoot(e, v.Facts)
		}
		if err != nil {
			return q.Cannot(err)
		}
		if wrong = slices.Concat(wrong, rules, loads, forwarding); len(wrong) == 0 && len(unsure) > 0 {
			return q.Unknown(checks.Few(unsure), "it was put there by hand, or by another program")
		}
		return q.None(wrong, "ufw starts at boot with the rules that run")
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
	}{{rules.Four, seen.UfwUser}, {rules.Six, seen.UfwUser6}} {
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
	network, err := seen.Addresses.Of(f)
	if err != nil {
		return nil, err
	}
	wrong = forwardingDiffers(e.Site, network.Device, settings)
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
