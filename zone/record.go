// Package zone knows which records the DNS should hold for a site, and how records are written. It asks nobody, and does not
// know who publishes them.
package zone

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Record is one DNS record. Names and targets are whole, in lower case, without the last dot.
type Record struct {
	Name   string
	Type   string // A, AAAA, CNAME, MX, PTR, SRV, TXT
	Value  string // an address or a text; what stands before the target of an MX ("10") or SRV ("0 1 993")
	Target string // the name that ends the value, "." where there is no such service; "" where none does
}

// ttl is what a new record is published with, in seconds: short, while it may still have to change.
const ttl = 300

// most is how many bytes one string of a TXT record holds (RFC 1035, 3.3).
const most = 255

// Form is the value as a web form wants it: one string, without quotes and last dots.
func (r Record) Form() string { return strings.TrimSpace(r.Value + " " + r.Target) }

// Line is the record as a line of a zone file. A text that is longer than a string may be stands in several, with nothing between.
func (r Record) Line() string {
	value := r.Value
	switch {
	case r.Type == "TXT":
		value = quoted(value)
	case r.Target == ".":
		value += " ."
	case r.Target != "":
		value = strings.TrimSpace(value + " " + r.Target + ".")
	}
	return fmt.Sprintf("%s. %d IN %s %s", r.Name, ttl, r.Type, value)
}

// quoted is a text in strings of a zone file.
func quoted(text string) string {
	var parts []string
	for {
		n := min(len(text), most)
		parts = append(parts, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text[:n])+`"`)
		if text = text[n:]; text == "" {
			return strings.Join(parts, " ")
		}
	}
}

// Table is records in columns, as they are typed into a web form; each line begins with mark.
func Table(list []Record, mark string) string {
	wide := len("name")
	for _, r := range list {
		wide = max(wide, len(r.Name))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%-*s  %-5s  %s\n", mark, wide, "name", "type", "value")
	for _, r := range list {
		fmt.Fprintf(&b, "%s%-*s  %-5s  %s\n", mark, wide, r.Name, r.Type, r.Form())
	}
	return b.String()
}

// Lines is records as lines of a zone file.
func Lines(list []Record) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString(r.Line() + "\n")
	}
	return b.String()
}

// Reverse is the name at which the DNS tells an address's name (RFC 1035, 3.5; RFC 3596, 2.5).
func Reverse(a netip.Addr) string {
	var labels []string
	raw := a.AsSlice()
	for i := len(raw) - 1; i >= 0; i-- {
		if a.Is4() {
			labels = append(labels, strconv.Itoa(int(raw[i])))
		} else {
			labels = append(labels, fmt.Sprintf("%x.%x", raw[i]&15, raw[i]>>4))
		}
	}
	return strings.Join(labels, ".") + map[bool]string{true: ".in-addr.arpa", false: ".ip6.arpa"}[a.Is4()]
}
