package firewall

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.active", Rests: []string{"host.ssh@"}, Step: "firewall", Title: "The firewall runs and denies what nobody asked for",
		Page: checks.Page{
			Asks:  "Is ufw active on each host, does it deny what comes in and what is routed unless a rule says otherwise, and is IPv6 filtered too? Each host is asked for ufw's settings and for the rules that the kernel runs. Of FreeBSD it is pf that is asked: whether it runs, and refuses what no rule names.",
			OK:    "The firewall runs, and what nobody asked for is denied.",
			Warn:  "It runs, and one of its defaults is not ours; somebody seems to have chosen that.",
			Fail:  "It does not run, or lets in what no rule names. Every service of the host may be open to the world.",
			Mends: "The chapter Firewall sets it up, guarded: the host takes the change back unless a new login works.",
		},
		Guide: "firewall, Configuring Default Policies; Enabling and Verifying the Firewall",
		Reads: checks.Join(pfReads, seen.UfwStatus.Reads, seen.Rules.Reads, seen.Addresses.Reads, seen.SSH.Reads, checks.Files(fileUfwDefault)), Ask: checks.Linux(askActive),
	})
	checks.Register(checks.Check{
		ID: "firewall.forwarding", Rests: []string{"host.ssh@"}, Step: "firewall", Title: "The proxy forwards packets",
		Page: checks.Page{
			Asks:  "Does the kernel of the proxy hand packets on from the world into the tunnel? The proxy is asked for the setting that runs, for IPv6 only where the tunnel has it.",
			OK:    "Packets are handed on.",
			Fail:  "They are not: the ports that lead to the mail host stay silent, whatever the firewall says.",
			Mends: "The chapter Firewall makes the setting in a file of ours. If it comes back, another file in /etc/sysctl.d sets it later.",
		},
		Guide: "firewall, Enable IP Forwarding",
		Reads: checks.Join(seen.Systems.Reads, seen.Sysctl.Reads), Ask: checks.Linux(askForwarding),
	})
}

func askActive(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "active; deny incoming and routed, let out what is needed; IPv6 filtered", Fix: "firewall",
		Likely: "the firewall was never set up, or was changed by hand"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if h.BSD() {
			return askPFActive(q, h, v)
		}
		u, err := seen.UfwStatus.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		if u.Absent || !u.Active {
			return q.Fail(map[bool]string{true: "ufw is not installed", false: "ufw is inactive"}[u.Absent], "", "")
		}
		defaults, known := v.Facts.File(fileUfwDefault)
		if !known || defaults == nil {
			return q.Unknown(fileUfwDefault+" could not be read", "")
		}
		var wrong, odd []string
		if u.Incoming != "deny" && u.Incoming != "reject" {
			wrong = append(wrong, "incoming: "+u.Incoming)
		} else if u.Incoming == "reject" {
			odd = append(odd, "incoming: reject tells scanners that the host is there")
		}
		if u.Outgoing != "allow" {
			if stopped, err := stops(e, h, v); err != nil {
				return q.Cannot(err)
			} else if len(stopped) > 0 {
				wrong = append(wrong, "outgoing: "+u.Outgoing+", and no rule lets out "+strings.Join(stopped, ", "))
			}
		}
		if u.Routed != "deny" && u.Routed != "disabled" && u.Routed != "reject" {
			if keepsForwarding(e.Site) {
				odd = append(odd, "routed: "+u.Routed+", kept as you answered")
			} else {
				wrong = append(wrong, "routed: "+u.Routed)
			}
		}
		if six := strings.ToLower(setting(defaults.Text, "IPV6")); six != "yes" {
			wrong = append(wrong, "IPV6="+cmp.Or(remote.Clean(six).Line(20), "(absent)"))
		}
		live, err := liveDefaults(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		wrong = append(wrong, live...)
		saw := fmt.Sprintf("active; %s incoming, %s outgoing, %s routed", u.Incoming, u.Outgoing, u.Routed)
		switch {
		case len(wrong) > 0:
			return q.Fail(remote.Clean(strings.Join(append(wrong, odd...), "; ")).String(), "", "")
		case len(odd) > 0:
			return q.Warn(remote.Clean(strings.Join(odd, "; ")).String(), "somebody chose it", "")
		}
		return q.OK("%s", saw)
	}, site.Proxy, site.Mail)
}

// stops names what a host needs to send, over IPv4, and its rules drop.
func stops(e *checks.Env, h *site.Host, v *checks.Vantage) ([]string, error) {
	k, err := knowledgeOf(e, h, v)
	if err != nil {
		return nil, err
	}
	var stopped []string
	for _, p := range site.Outgoing(k.s, k.h) {
		if got := k.sent(p, k.world[0].at); got.Verdict != "ACCEPT" {
			stopped = append(stopped, fmt.Sprintf("%s %d/%s", p.Name, p.Port, p.Proto))
		}
	}
	return stopped, nil
}

// liveDefaults names families that the kernel lets in by default, whatever ufw says of itself.
func liveDefaults(f remote.Facts) ([]string, error) {
	var wrong []string
	rules, err := rulesOf(f)
	if err != nil {
		return nil, err
	}
	for _, family := range rules.Families() {
		if policy := family.Tables["filter"].Policy["INPUT"]; policy != "DROP" && policy != "REJECT" {
			wrong = append(wrong, fmt.Sprintf("IP%s comes in by default (INPUT %s)", family.Name, cmp.Or(policy, "absent")))
		}
	}
	return wrong, nil
}

func askForwarding(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: forward4 + " = 1", Fix: "firewall", Likely: "the setting was never made, or another file sets it back"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		settings, err := seen.Sysctl.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		keys := forwardKeys(e.Site, h.BSD())
		q.Want = strings.Join(keys, " = 1 and ") + " = 1"
		for _, key := range keys {
			switch settings.Live[key] {
			case "1":
			case "0":
				return q.Fail(key+" = 0", "", "")
			default:
				return q.Unknown(key+" could not be read", "")
			}
		}
		return q.OK("%s = 1", strings.Join(keys, " = 1, "))
	}, site.Proxy)
}

const (
	forward4 = "net.ipv4.ip_forward"
	forward6 = "net.ipv6.conf.all.forwarding"
)

// forwardKeys are the settings that must be on for what is forwarded, by what the host's system calls them.
func forwardKeys(s *site.Site, bsd bool) []string {
	keys := []string{forward4, forward6}
	if bsd {
		keys = []string{"net.inet.ip.forwarding", "net.inet6.ip6.forwarding"}
	}
	if s.Tunnel.Network6.IsValid() {
		return keys
	}
	return keys[:1]
}
