package steps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
	"postern/steps/firewall"
	"postern/steps/toaster"
)

func init() {
	register(Step{
		ID: "firewall", Chapter: 2, Title: "Firewall",
		Why: "Closes both hosts but for what mail needs: the public ports on the proxy, those of mail programs going on to the mail host, and on the mail host only the home network and the tunnel. " +
			"The hosts take the change back by themselves unless a new login proves that you still get in.",
		Guide:  "firewall, Configuring Default Policies",
		Fields: firewallFields,
		Reads:  firewallReads,
		Plan:   planFirewall,
		Strip:  stripFirewall,
		Proof: []string{
			"host.ssh", "host.privilege", "host.ways", "firewall.forwarding", "firewall.active", "firewall.rules", "firewall.open", "firewall.closed",
			"firewall.relay", "firewall.dnat", "firewall.clients", "firewall.doubled", "firewall.boot", "firewall.docker",
			"jails.rules", "jails.policy", "jails.hooks", "jails.ports", "jails.certificates",
		},
	})
}

func firewallFields(s *site.Site) []string {
	if s.Layout == "toaster" {
		return jailFields(s)
	}
	keys := []string{"tunnel.network", "tunnel.proxy", "tunnel.mail", "tunnel.network6", "tunnel.port", "tunnel.interface"}
	for _, p := range site.Services(s) {
		keys = append(keys, "ports."+p.Name)
	}
	keys = append(keys, "ports.relay", "clients.addresses", "mail.path", "mail.lan")
	for _, h := range s.Hosts {
		keys = append(keys, "host."+h.Name+".ssh_from", "host."+h.Name+".keep", "host."+h.Name+".first")
	}
	for _, p := range site.Services(s) {
		keys = append(keys, "from."+p.Name)
	}
	if slices.ContainsFunc(s.Hosts, (*site.Host).BSD) {
		keys = append(keys, "pf.main")
	}
	return append(keys, "guide.nat", "guide.forward", "guide.rules")
}

func firewallReads(s *site.Site, h *site.Host) []remote.Query {
	return slices.Concat(seen.HostReads(s, h), firewall.Reads(s, h), forwardingReads(s, h), seen.Tunnels.Reads(s, h), jailReads(s, h))
}

func planFirewall(s *site.Site, look Look) Plan {
	plan := Plan{Step: "firewall", Refused: unsupported(s, look)}
	if len(plan.Refused) > 0 {
		return plan
	}
	for _, h := range s.Hosts {
		found, ok := look[h.Name]
		if !ok {
			plan.Refused = append(plan.Refused, fmt.Sprintf("firewall: %s was not looked at", h.Name))
			continue
		}
		if _, err := seen.Tools.Of(found); err != nil {
			plan.Refused = append(plan.Refused, fmt.Sprintf("firewall: %s: what is installed there could not be seen: %v", h.Name, err))
			continue
		}
		now := seen.Look(found)
		plan.Notes = append(plan.Notes, unproven(h, now)...)
		backend, fits := firewall.For(now)
		switch {
		case !fits:
			plan.Refused = append(plan.Refused, fmt.Sprintf("firewall: %s: no firewall is known for its system, so it is left alone", h.Name))
		case !now.Tools[backend.Package]:
			if why := backend.Barred(found); why != "" {
				plan.Refused = append(plan.Refused, fmt.Sprintf("firewall: %s: %s", h.Name, why))
			}
			planPackage(h, backend, &plan)
			for _, text := range backend.Ahead(PolicyFor(s, h, now), found) {
				plan.Notes = append(plan.Notes, Note{Host: h.Name, Warn: true, Text: text})
			}
		default:
			planHostFirewall(s, h, backend, now, found, &plan)
		}
	}
	return plan
}

// planPackage installs the firewall first: what its package brings is looked at before anything is planned on it.
func planPackage(h *site.Host, backend firewall.Backend, plan *Plan) {
	plan.Parts = append(plan.Parts, Part{Host: h.Name, Inert: true, Changes: []remote.Change{does.Within("firewall", does.Packages{backend.Package}.Install(h.Name))}})
	then := h.Name + ": deny what comes in, admit SSH and what the tunnel brings, allow what goes out, on both families"
	if h.Role == site.Proxy {
		then = h.Name + ": deny what comes in but SSH, the mail and web ports and the tunnel; forward what goes to the mail host; allow what goes out"
	}
	plan.Then = append(plan.Then, then)
}

func planHostFirewall(s *site.Site, h *site.Host, backend firewall.Backend, now seen.Host, found remote.Facts, plan *Plan) {
	refuse := func(format string, args ...any) {
		plan.Refused = append(plan.Refused, fmt.Sprintf("firewall: "+h.Name+": "+format, args...))
	}
	if to, in := arrives(h, now, h.Public4); h.Role == site.Proxy && (!to.IsValid() || in == "") {
		refuse("the public interface and its IPv4 address could not be seen, so nothing can be forwarded from there; set host.%s.interface", h.Name)
		return
	}
	if len(now.Ports) == 0 && !h.Local {
		refuse("the port of SSH could not be seen, so it could not be kept open")
		return
	}
	policy := PolicyFor(s, h, now)
	r, err := backend.Render(policy, found)
	if err != nil {
		plan.Refused = append(plan.Refused, err.Error())
		return
	}
	if len(r.First) > 0 {
		plan.Parts = append(plan.Parts, Part{Host: h.Name, Inert: true, Changes: r.First})
		plan.Then = append(plan.Then, h.Name+": admit and send on what mail needs, in a file of our own that your "+seen.PFConf+" calls")
		return
	}
	var changes []remote.Change
	if h.Role == site.Proxy && forwards(s, now) {
		if c := forwardingChange(s, h, now, found); c != nil {
			changes = append(changes, *c)
		}
		plan.Notes = append(plan.Notes, forwardingNotes(s, h, now, found)...)
	}
	if changes = append(changes, r.Changes...); s.Layout == "toaster" {
		changes = append(changes, planJails(s, h, policy, found, plan)...)
	}
	if len(changes) > 0 {
		plan.Parts = append(plan.Parts, Part{Host: h.Name, Changes: changes})
	}
	if len(changes) > 0 && r.Hand.Lines == "" {
		plan.After = append(plan.After, policy.Words())
	}
	if r.Hand.Lines != "" {
		plan.Tasks = append(plan.Tasks, Task{ID: "firewall.lines." + h.Name, Title: "add what mail needs to " + r.Hand.Path + " of " + h.Name,
			Text: r.Hand.Text + ".", Copy: r.Hand.Lines, Check: "firewall.rules"})
	}
	for _, reason := range r.LockOut {
		plan.LockOut = append(plan.LockOut, fmt.Sprintf("%s: %s; add the address to host.%s.ssh_from", h.Name, reason, h.Name))
	}
	plan.Notes = append(plan.Notes, firewallNotes(s, h, now, policy, r)...)
	plan.Notes = append(plan.Notes, closingNotes(s, h, now, found, r)...)
	plan.Tasks = append(plan.Tasks, goneTasks(s, h, policy, r.Gone)...)
}

// stripFirewall takes our rules and blocks out of files that others edited since.
func stripFirewall(s *site.Site, look Look, paths map[string]bool) Plan {
	plan := Plan{Step: "firewall"}
	for _, h := range s.Hosts {
		found, ok := look[h.Name]
		if !ok {
			continue
		}
		now := seen.Look(found)
		backend, fits := firewall.For(now)
		if !fits || !now.Tools[backend.Package] {
			continue
		}
		r, err := backend.Render(firewall.Policy{Host: h.Name, GuideNAT: "keep"}, found)
		if err != nil {
			plan.Refused = append(plan.Refused, err.Error())
			continue
		}
		var changes []remote.Change
		for _, c := range r.Changes {
			if c.Path == "" || paths[c.Path] {
				changes = append(changes, c)
			}
		}
		if s.Layout == "toaster" {
			changes = append(changes, toaster.Strip(s, found, paths)...)
		}
		if len(changes) > 0 && !(len(changes) == 1 && changes[0].Path == "") {
			plan.Parts = append(plan.Parts, Part{Host: h.Name, Changes: changes})
		}
		for _, reason := range r.LockOut {
			plan.LockOut = append(plan.LockOut, h.Name+": "+reason)
		}
	}
	return plan
}

// goneTasks reminds of what outside the host belongs to a port that is no longer open to the world.
func goneTasks(s *site.Site, h *site.Host, policy firewall.Policy, gone []string) []Task {
	open := map[string]bool{}
	for _, a := range policy.Allows {
		open[strconv.Itoa(a.Port)] = open[strconv.Itoa(a.Port)] || a.In == ""
	}
	for _, f := range policy.Forwards {
		open[strconv.Itoa(int(f.To.Port()))] = true
	}
	var ports []string
	had := map[string]bool{}
	for _, rule := range gone {
		_, rest, ok := strings.Cut(rule, " to ")
		_, port, ported := strings.Cut(rest, " port ")
		port, _, _ = strings.Cut(port, " ")
		inside := !strings.HasPrefix(rule, "route ") && strings.Contains(rule, " in on "+s.Tunnel.Interface+" ")
		if ok && ported && !inside && !strings.HasPrefix(rule, "allow out ") && !open[port] && !had[port] {
			had[port] = true
			ports = append(ports, port)
		}
	}
	if len(ports) == 0 || h.Role != site.Proxy {
		return nil
	}
	return []Task{{
		ID: "firewall.gone." + h.Name, Title: "take ports that are no longer open out of the provider's panel and the DNS too",
		Text: "These ports of the host are no longer open. If the provider's own firewall has rules for them, remove them there; " +
			"if a DNS record (SRV, autoconfig) names one, remove or change it.",
		Copy: strings.Join(ports, "\n"),
	}}
}
