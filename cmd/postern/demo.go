package main

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"postern/demo"
	"postern/remote"
	"postern/site"
)

// simulated is what is said wherever hosts are: in the demo they are none.
const simulated, simulatedOne = "demo: both hosts are simulated; nothing outside this program is read or written",
	"demo: the host is simulated; nothing outside this program is read or written"

// demoCmd is postern against two simulated hosts.
type demoCmd struct{}

// Help is the end of the command's help: what can go wrong on request.
func (*demoCmd) Help() string {
	var b strings.Builder
	b.WriteString("Both hosts are inside the program: nothing to set up, and nothing outside it is read or written. " +
		"Every command does the same with --demo; each begins with bare hosts.\n\n--fault NAME makes something go wrong:\n")
	for _, name := range slices.Sorted(maps.Keys(demo.Faults())) {
		fmt.Fprintf(&b, "  %-12s %s\n", name, demo.Faults()[name])
	}
	return b.String()
}

// Run walks through the chapters, drawn or in line mode. The hosts are simulated by then.
func (*demoCmd) Run(ctx context.Context, a *app) error { return (&guideCmd{}).Run(ctx, a) }

// simulate makes the two hosts when they are asked for. The error says which flags do not go together.
func (a *app) simulate() error {
	if !a.Demo {
		if len(a.Fault) > 0 {
			return usage("add --demo", "--fault %s is for the simulated hosts", strings.Join(a.Fault, " --fault "))
		}
		if a.OS != "" {
			return usage("add --demo", "--os is for the simulated hosts: a real one tells by itself what it runs")
		}
		if a.Layout != "proxy" {
			return usage("add --demo; the layout of a site of yours is an answer: --set layout="+a.Layout, "--layout %s is for the simulated hosts", a.Layout)
		}
		return nil
	}
	if a.Site != "" || a.Save {
		return usage("give answers for this run with --set", "the demo keeps its answers in memory: neither --site nor --save goes with it")
	}
	sim, err := demo.New(demo.Options{Faults: a.Fault, System: a.OS, Jails: a.Layout == "toaster"})
	if err != nil {
		return usage("'postern demo --help' says what each does", "--fault: %w", err)
	}
	a.sim = sim
	return nil
}

// demoAnswers are what a person would type, as suggestions: every question is asked all the same.
func demoAnswers(sim *demo.World, asked bool) *answers {
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	if sim.Proxy.Name != "proxy" { // one host, with jails
		s.Layout, s.Hosts = "toaster", []*site.Host{{Name: sim.Proxy.Name, Role: site.Proxy}}
	}
	for _, h := range s.Hosts {
		at, host := "root@"+demo.ProxyAddress, sim.Proxy
		if h.Role == site.Mail {
			at, host = "root@"+demo.MailAddress, sim.Mail
		}
		h.SSH = at
		if !asked { // nobody is asked about the hosts' keys by the other commands, so they know them
			h.Fingerprint = host.Fingerprint()
		}
	}
	f := site.InMemory("the demo", s, func(s *site.Site) { publish(sim, s) })
	return &answers{file: f, site: f.Site}
}

// publish has the simulated DNS tell what a site wants, as if the operator had published it at once.
func publish(sim *demo.World, s *site.Site) {
	s = s.Clone()
	for _, h := range s.HostsOf(site.Proxy) {
		if !h.Public4.IsValid() {
			h.Public4, h.Public6 = netip.MustParseAddr(demo.ProxyAddress), netip.MustParseAddr(demo.ProxyAddress6)
		}
	}
	list, err := records(s)
	if err != nil {
		return // nothing is wanted yet
	}
	var lines []string
	for _, r := range list {
		lines = append(lines, r.Line())
	}
	sim.Publish(lines)
}

// apart makes options for finding hosts that know the simulated ones only.
func apart(sim *demo.World) remote.Options {
	return remote.Options{User: "you", Apart: true, Dial: sim.Dialer()}
}
