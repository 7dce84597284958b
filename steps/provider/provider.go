// Package provider knows what hosters' own pages said on a date: where their firewall is clicked, what they do with
// port 25, and what they ask before they open it. It refuses to know whether that is still true: a live probe decides,
// and these words only choose the text that is shown.
package provider

import (
	"maps"
	"slices"
	"strings"
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
	Where string // the site or the document it stands in, its date where it has one, and whether others only quote it
}

// Report is what somebody else says, who tried it.
type Report struct{ Who, Says string }

// Said is what is known of one matter. What its pages say stands only beside its sources; what others say stands as theirs.
type Said struct {
	Path    string   // the way through the panel's menus; "" when unknown
	Steps   []string // what to do and what to mind, one sentence each
	Sources []Source
	Reports []Report
}

// Firewall is the filter in front of the server that only the hoster's panel reaches.
type Firewall struct {
	Said
	Default   Policy // what happens to incoming traffic without a rule
	DropsICMP bool   // so ping proves nothing, and path MTU discovery is blind
	Stateless bool   // answers need rules of their own
}

// Port25 is what the hoster does with outgoing mail.
type Port25 struct {
	Said
	Default Policy
	For     string   // whom a block is for; "" for everybody
	Too     []int    // further ports that are blocked with it
	Self    bool     // the panel opens it, and nobody is asked
	Holds   string   // what an opening holds for, such as the account; "" when unknown
	Needs   []string // what must be in place before asking
	Asks    []string // what it wants to know, and only a person can tell: blanks of the letter
	Takes   string   // how long it takes, in words; "" when unknown
}

// Provider is what one hoster's pages said.
type Provider struct {
	ID       string // the answer to host.NAME.provider
	Name     string
	AsOf     string   // when the pages were read, as YYYY-MM-DD; "" only for Unknown
	Networks []uint32 // the numbers of its networks (AS), as far as none of them is another hoster's too
	Names    []string // what the reverse names end in that its servers have from the start
	Firewall Firewall
	In25     Policy // incoming port 25, once the firewall has a rule for it
	Out25    Port25
	Reverse  Said   // where the reverse DNS name is set
	Letter   string // text/template over Letter: what to tell support; "" uses the common one
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

// Whose is the provider that has servers in a network of that number, or gives them a reverse name like that; 0 and "" are none.
func Whose(network uint32, reverse string) (Provider, bool) {
	reverse = "." + strings.ToLower(strings.TrimSuffix(reverse, "."))
	for _, id := range IDs() {
		p := all[id]
		if slices.Contains(p.Networks, network) || slices.ContainsFunc(p.Names, func(end string) bool { return strings.HasSuffix(reverse, "."+end) }) {
			return p, true
		}
	}
	return all[Unknown], false
}
