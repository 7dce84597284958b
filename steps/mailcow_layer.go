package steps

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// The second layer: who comes to Mailcow's containers neither through the tunnel nor from them is turned away, also where the addresses
// that they are published at do not keep anybody off. A host takes what is sent to any of its addresses, by whatever way it comes, and
// Docker sends it on to the container before ufw's INPUT is asked; a Docker before 28 routes for everybody who knows a container's own
// address; and what an update forgets to bind is open to all at home.
//
// It stands in a chain of ours behind DOCKER-USER, which is made for that: Docker asks it before its own rules, makes it only where it is
// not there, and leaves what stands in it alone, so our rules may be there before Docker starts, and no container is open for a moment.
// Nothing of ours stands in FORWARD: the netfilter container of Mailcow wants its own jump among the first three rules there and in
// INPUT, and starts anew for ever where it is not. What a container publishes on the loopback, and what the host itself sends, does not
// come by FORWARD at all.
const (
	layerScript = "/usr/local/sbin/postern-mailcow"
	layerChain  = "postern-mailcow"
	layerHook   = "DOCKER-USER"
	layerJump   = "-A " + layerHook + " -j " + layerChain
)

// layerEnds takes exactly our part away. It stands in the unit itself, because an undo takes the script away before it stops the unit.
// DOCKER-USER goes only where nothing stands in it and nobody asks it: where we made it for a Docker that has none of that family.
const layerEnds = `for t in iptables ip6tables; do while $t -w -D ` + layerHook + ` -j ` + layerChain + `; do :; done; ` +
	`$t -w -F ` + layerChain + `; $t -w -X ` + layerChain + `; $t -w -X ` + layerHook + `; done 2>/dev/null`

// layerUnit runs before Docker, and anew with it: where somebody emptied all rules and Docker makes its own again, ours are there first.
var layerUnit = `# postern: only the tunnel, and who is named at home, reaches Mailcow's containers.
[Unit]
Description=Only the tunnel reaches Mailcow's containers
After=ufw.service netfilter-persistent.service nftables.service
Before=docker.service
PartOf=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=` + layerScript + `
ExecReload=` + layerScript + `
` + does.ExecStop(layerEnds) + `

[Install]
WantedBy=docker.service
`

// layerRules are the rules of our chain in one family, as iptables-save spells them; at is where the clients of mail.lan come to.
func layerRules(s *site.Site, at []netip.Addr, six bool) []string {
	const from, into = "-i " + seen.MailcowBridge, "-o " + seen.MailcowBridge
	rules := []string{"-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"}
	if s.Mail.Path != "direct" { // there the routing keeps it back, see wireguard.End.Outgoing
		near, refused := []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}, "icmp-admin-prohibited"
		if six {
			near, refused = []string{"fc00::/7"}, "icmp6-adm-prohibited"
		}
		smtp := fmt.Sprintf(" -p tcp -m tcp --dport %d -j ", site.WorldSMTP)
		for _, network := range near {
			rules = append(rules, "-d "+network+" "+from+smtp+"RETURN")
		}
		rules = append(rules, from+" ! -o "+s.Tunnel.Interface+smtp+"REJECT --reject-with "+refused)
	}
	rules = append(rules, from+" -j RETURN", "! "+into+" -j RETURN", "-i "+s.Tunnel.Interface+" -j RETURN")
	for _, network := range s.Mail.LAN {
		for _, addr := range at {
			for _, port := range lanPorts(s) {
				if network.Addr().Is6() == six && addr.Is6() == six {
					rules = append(rules, fmt.Sprintf("-s %s -p tcp -m conntrack --ctorigdst %s --ctorigdstport %d -j RETURN", network.Masked(), addr, port.at))
				}
			}
		}
	}
	for i := range rules {
		rules[i] = "-A " + layerChain + " " + rules[i]
	}
	return append(rules, "-A "+layerChain+" -j DROP")
}

// layerText is the script. Our chain is filled, and hung in before all others, in one go: no packet meets it half full.
func layerText(s *site.Site, at []netip.Addr) string {
	text := "#!/bin/sh\n# Made by postern: who reaches Mailcow's containers, and where their mail goes. " + seen.MailcowUnit + " calls it.\n" +
		"# Beside its own chain it touches one jump in " + layerHook + ". Changes made here by hand are lost when postern runs again.\n" +
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\nstatus=0\n\n"
	for i, program := range []string{"iptables", "ip6tables"} {
		text += "rules_" + program + "() {\n\tcat <<'RULES'\n" + strings.Join(layerRules(s, at, i == 1), "\n") + "\nRULES\n}\n\n"
	}
	return text + `for t in iptables ip6tables; do
	[ "$t" = iptables ] || [ -e /proc/net/if_inet6 ] || continue
	"$t" -w -N ` + layerHook + ` 2>/dev/null
	{
		printf '*filter\n:` + layerChain + ` - [0:0]\n'
		rules_"$t"
		"$t" -w -S ` + layerHook + ` | sed -n 's/^-A \(` + layerHook + ` -j ` + layerChain + `\)$/-D \1/p'
		printf -- '-I ` + layerHook + ` -j ` + layerChain + `\nCOMMIT\n'
	} | "$t"-restore -w -n || status=1
done
exit $status
`
}

// layer are the things of it.
func layer(s *site.Site, at []netip.Addr) []does.Thing {
	return []does.Thing{
		does.File{Path: layerScript, Text: layerText(s, at), Mode: 0o755, Title: "write who reaches Mailcow's containers, in " + layerScript},
		does.Unit{Name: seen.MailcowUnit, Text: layerUnit, Config: []string{layerScript}, Reload: true, Ends: layerEnds, Title: "let nobody but the tunnel reach Mailcow's containers, now and at every boot"},
	}
}

// layered says whether the rules that run are those of the script, and are asked first.
func layered(s *site.Site, at []netip.Addr, rules seen.Ruleset) bool {
	for i, family := range rules.Families() {
		if family.Tables["filter"] == nil && i == 1 { // a kernel may have no IPv6
			continue
		}
		var run []string
		for _, r := range family.Chain("filter", layerChain) {
			run = append(run, r.Text)
		}
		hook := family.Chain("filter", layerHook)
		jump := slices.IndexFunc(hook, func(r seen.Rule) bool { return r.Text == layerJump })
		if !slices.Equal(run, layerRules(s, at, i == 1)) || jump < 0 || slices.ContainsFunc(hook[:jump], letsOn) {
			return false
		}
	}
	return true
}

// letsOn says whether packets that a rule fits come past what stands behind it.
func letsOn(r seen.Rule) bool { return r.Target == "ACCEPT" || r.Target == "RETURN" }

// layerAgain puts back rules of which some are gone, while the files are right.
func layerAgain() remote.Change {
	return remote.Change{ID: "mailcow.unit.rules", Step: "mailcow", Title: "put back the rules of " + seen.MailcowUnit + ", of which some are gone, or not asked first any more",
		Do: "systemctl restart " + seen.MailcowUnit, Undo: "systemctl try-restart " + seen.MailcowUnit + " 2>/dev/null || true", Forget: true}
}
