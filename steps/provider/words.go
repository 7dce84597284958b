package provider

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Rule is one line of a panel's firewall: what must be let in.
type Rule struct {
	Name  string // smtp, imaps, tunnel …
	Proto string // tcp or udp
	Port  int
	From  string // the sources, or "" for everyone
}

// RuleList is the rules as text to copy, one a line, in columns.
func RuleList(rules []Rule) string {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "incoming  %-3s  %5d  from %-18s  %s\n", strings.ToUpper(r.Proto), r.Port, cmp.Or(r.From, "any"), r.Name)
	}
	return b.String()
}

// FirewallText says where and how to enter the rules, in sentences.
func (p Provider) FirewallText() string {
	var b strings.Builder
	f := p.Firewall
	if f.Path != "" {
		fmt.Fprintf(&b, "In the panel of %s: %s.\n", p.Name, f.Path)
	} else {
		fmt.Fprintf(&b, "Where the panel of %s has its firewall is unknown here: look for Firewall, Security group or Network policy. If there is none, there is nothing to do.\n", p.Name)
	}
	switch f.Default {
	case Open:
		b.WriteString("As long as none is switched on, all comes in.\n")
	case Blocked:
		b.WriteString("What no rule lets in is dropped.\n")
	default:
		b.WriteString("What it does without a rule is unknown here.\n")
	}
	if f.DropsICMP {
		b.WriteString("It drops ICMP, so ping proves nothing.\n")
	}
	if f.Stateless {
		b.WriteString("It keeps no state: answers to what the server asks and sends need rules of their own, in each direction that it filters.\n")
	}
	b.WriteString(p.told(f.Said))
	return strings.TrimSpace(b.String())
}

// Port25Text says what the provider does with outgoing mail and how it is opened, in sentences. port is the mail port.
func (p Provider) Port25Text(port int) string {
	var b strings.Builder
	o := p.Out25
	ports := "port " + strconv.Itoa(port)
	if n := len(o.Too); n > 0 {
		for _, too := range o.Too[:n-1] {
			ports += ", " + strconv.Itoa(too)
		}
		ports = strings.Replace(ports, "port", "ports", 1) + " and " + strconv.Itoa(o.Too[n-1])
	}
	switch {
	case o.Default == Open:
		fmt.Fprintf(&b, "%s does not block outgoing %s, its pages say.\n", p.Name, ports)
	case o.Default == Never:
		fmt.Fprintf(&b, "%s does not open outgoing %s: send by a smart host (the answer smarthost.host), or change the provider.\n", p.Name, ports)
	case o.Default != Blocked:
		fmt.Fprintf(&b, "Whether %s blocks outgoing %s is unknown here: measure it, and ask its support where it is closed.\n", p.Name, ports)
	case o.Self:
		fmt.Fprintf(&b, "%s blocks outgoing %s for %s, until you open it: nobody has to be asked.\n", p.Name, ports, cmp.Or(o.For, "everybody"))
	default:
		fmt.Fprintf(&b, "%s blocks outgoing %s for %s, until it is asked to open it.\n", p.Name, ports, cmp.Or(o.For, "everybody"))
	}
	if o.Path != "" {
		fmt.Fprintf(&b, "In its panel: %s.\n", o.Path)
	}
	for _, step := range o.Steps {
		fmt.Fprintln(&b, step)
	}
	o.Steps = nil
	if len(o.Too) > 0 {
		b.WriteString("So a smart host must take mail at yet another port (smarthost.port), such as 2525.\n")
	}
	if len(o.Needs) > 0 {
		fmt.Fprintf(&b, "Have ready before: %s.\n", strings.Join(o.Needs, ", "))
	}
	if o.Default == Blocked {
		fmt.Fprintf(&b, "How long it takes: %s.\n", cmp.Or(o.Takes, "unknown here"))
		fmt.Fprintf(&b, "What the opening holds for: %s. Measure again after a new installation, another server or another address.\n", cmp.Or(o.Holds, "unknown here"))
	}
	if p.In25 == Unsaid {
		fmt.Fprintf(&b, "Whether it filters incoming port %d too, beside its firewall, is unknown here.\n", port)
	}
	b.WriteString(p.told(o.Said))
	return strings.TrimSpace(b.String())
}

// ReverseText says what to mind where the reverse name is set; "" when nothing is known.
func (p Provider) ReverseText() string {
	if len(p.Reverse.Steps)+len(p.Reverse.Sources)+len(p.Reverse.Reports) == 0 {
		return ""
	}
	return p.told(p.Reverse)
}

// told is what was said of a matter, and by whom.
func (p Provider) told(s Said) string {
	var b strings.Builder
	for _, step := range s.Steps {
		fmt.Fprintln(&b, step)
	}
	for _, r := range s.Reports {
		fmt.Fprintf(&b, "Others report (%s): %s.\n", r.Who, r.Says)
	}
	var pages []string
	for _, one := range s.Sources {
		pages = append(pages, fmt.Sprintf("%q, %s", one.Title, one.Where))
	}
	switch {
	case len(pages) > 0:
		fmt.Fprintf(&b, "(As read on %s: %s. It may have changed.)\n", p.AsOf, strings.Join(pages, "; "))
	case p.AsOf != "":
		fmt.Fprintf(&b, "(Nothing of this was found in its own pages by %s.)\n", p.AsOf)
	}
	return b.String()
}
