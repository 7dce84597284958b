// Package provider knows what hosters' own pages said on a date: where their firewall is clicked, what they do with
// port 25, and what they ask before they open it. It refuses to know whether that is still true: a live probe decides,
// and these words only choose the text that is shown.
package provider

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
)

// Policy is what a hoster does with one thing by default.
type Policy string

// The policies. Unsaid means that nothing reliable was found, which is shown as such.
const (
	Unsaid  Policy = "unknown"
	Open    Policy = "open"
	Blocked Policy = "blocked"
	Never   Policy = "never" // there is no way to have it opened
)

// Unknown is the ID of the provider that nothing is known of.
const Unknown = "unknown"

// Source is a page that was read.
type Source struct {
	Title string
	Where string // the site or the document it stands in
}

// Firewall is the filter in front of the server that only the hoster's panel reaches.
type Firewall struct {
	Path    string   // the way through the panel's menus; "" when unknown
	Default Policy   // what happens to incoming traffic without a rule
	Steps   []string // what to click and what to mind, one sentence each
	DropsIP bool     // it drops ICMP, so ping proves nothing and path MTU discovery is blind
}

// Port25 is what the hoster does with outgoing mail.
type Port25 struct {
	Default Policy
	Steps   []string // how it is opened, one sentence each
	Needs   []string // what must be in place before asking
	Takes   string   // how long it takes, in words
}

// Provider is what one hoster's pages said.
type Provider struct {
	ID       string // the answer to host.NAME.provider
	Name     string
	AsOf     string // when the pages were read, as YYYY-MM-DD; "" only for Unknown
	Sources  []Source
	Firewall Firewall
	In25     Policy // incoming port 25, once the firewall has a rule for it
	Out25    Port25
	Reverse  string // where the reverse DNS name is set; "" when unknown
	Letter   string // text/template over Letter: what to tell support; "" uses the common one
}

// Rule is one line of a panel's firewall: what must be let in.
type Rule struct {
	Name  string // smtp, imaps, tunnel …
	Proto string // tcp or udp
	Port  int
	From  string // the sources, or "" for everyone
}

// Letter is what support is told. Empty fields become blanks for a person to fill in.
type Letter struct {
	Hostname string // the mail system's public name
	Address4 string
	Address6 string
	Domain   string
	Port     int      // outgoing mail's port
	Evidence []string // what was just measured, a sentence each, with its time; none leaves the matter out
}

var all = map[string]Provider{}

func register(p Provider) {
	if _, dup := all[p.ID]; dup {
		panic("provider: two providers named " + p.ID)
	}
	all[p.ID] = p
}

// IDs lists the providers whose pages are known, in order.
func IDs() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(id string) bool { return id == Unknown })
}

// Find is the provider of that ID. When there is none of it, the answer is the unknown provider and false.
func Find(id string) (Provider, bool) {
	if p, ok := all[strings.ToLower(id)]; ok {
		return p, true
	}
	return all[Unknown], false
}

// FirewallText says where and how to enter the rules, in sentences.
func (p Provider) FirewallText() string {
	var b strings.Builder
	if p.Firewall.Path != "" {
		fmt.Fprintf(&b, "In the panel of %s: %s.\n", p.Name, p.Firewall.Path)
	}
	for _, s := range p.Firewall.Steps {
		fmt.Fprintln(&b, s)
	}
	b.WriteString(p.provenance())
	return strings.TrimSpace(b.String())
}

// RuleList is the rules as text to copy, one a line, in columns.
func RuleList(rules []Rule) string {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "incoming  %-3s  %5d  from %-18s  %s\n", strings.ToUpper(r.Proto), r.Port, cmp.Or(r.From, "any"), r.Name)
	}
	return b.String()
}

// Port25Text says what the provider does with outgoing mail and how it is opened, in sentences. port is the mail port.
func (p Provider) Port25Text(port int) string {
	var b strings.Builder
	switch p.Out25.Default {
	case Open:
		fmt.Fprintf(&b, "%s does not block outgoing port %d, its pages say.\n", p.Name, port)
	case Blocked:
		fmt.Fprintf(&b, "%s blocks outgoing port %d until it is asked to open it.\n", p.Name, port)
	case Never:
		fmt.Fprintf(&b, "%s does not open outgoing port %d: send by a smart host (the answer smarthost.host), or change the provider.\n", p.Name, port)
	default:
		fmt.Fprintf(&b, "Whether this provider blocks outgoing port %d is not known here: look in its help pages or ask its support.\n", port)
	}
	for _, s := range p.Out25.Steps {
		fmt.Fprintln(&b, s)
	}
	if len(p.Out25.Needs) > 0 {
		fmt.Fprintf(&b, "Have ready before asking: %s.\n", strings.Join(p.Out25.Needs, ", "))
	}
	if p.Out25.Takes != "" {
		fmt.Fprintf(&b, "How long it takes: %s.\n", p.Out25.Takes)
	}
	b.WriteString(p.provenance())
	return strings.TrimSpace(b.String())
}

func (p Provider) provenance() string {
	if p.AsOf == "" {
		return ""
	}
	return fmt.Sprintf("(As %s's pages said on %s; they may have changed.)\n", p.Name, p.AsOf)
}

// Write is the letter to support with the fields filled in.
func (p Provider) Write(l Letter) (string, error) {
	blank := func(s string) string { return cmp.Or(s, "(please fill in)") }
	t, err := template.New(p.ID).Funcs(template.FuncMap{"or_blank": blank}).Parse(cmp.Or(p.Letter, common))
	if err != nil {
		return "", fmt.Errorf("provider: %s: letter: %w", p.ID, err)
	}
	var b strings.Builder
	if err := t.Execute(&b, l); err != nil {
		return "", fmt.Errorf("provider: %s: letter: %w", p.ID, err)
	}
	if err := template.Must(template.New("evidence").Parse(evidence)).Execute(&b, l); err != nil {
		return "", fmt.Errorf("provider: %s: letter: %w", p.ID, err)
	}
	return strings.TrimSpace(b.String()) + "\n", nil
}

// evidence ends every letter that has some.
const evidence = `{{if .Evidence}}
What we measured:
{{range .Evidence}}- {{.}}
{{end}}{{end}}`
