package steps

import (
	"fmt"

	"postern/remote"
	"postern/site"
)

// elsewhere are the chapters that a host with jails has no use for, and why.
var elsewhere = map[string]string{
	"wireguard": "there is one host, and no tunnel",
	"mailcow":   "the mail server is in your jails, and Mail Toaster provides it",
	"haraka":    "Haraka is in a jail of its own, and Mail Toaster provides it",
	"caddy":     "the web server is in your jails, with its certificates",
}

// withJails is what chapters are for on a host with jails, where that is another thing.
var withJails = map[string]string{
	"network": "Finds out what the host is, which jails it has, and who sits on their ports. Nothing that runs is changed here; what stands in the way of the later chapters is told now.",
	"firewall": "Lets the world in to the public ports of your jails, by rules of their own that come and go with each, and to nothing else of the host where its main file is ours. " +
		"A main file of yours, or Mail Toaster's, is read and judged, and stays. The host takes a change back by itself unless a new login proves that you still get in.",
	"dns": "Records in the DNS tell the world that mail for your domain goes to this host, and let receivers see that mail from it is yours. " +
		"You publish them where the domain is kept; this program writes them out, and asks every name server whether they are there.",
}

// About is what a chapter is for, in two or three plain sentences.
func (s Step) About(of *site.Site) string {
	if why := s.Skipped(of); why != "" {
		return "It " + why + "."
	}
	if why := withJails[s.ID]; of.Layout == "toaster" && why != "" {
		return why
	}
	return s.Why
}

// Skipped is why a chapter does not apply to a site, "" where it does. What does not apply is neither to be done nor in place.
func (s Step) Skipped(of *site.Site) string {
	why := elsewhere[s.ID]
	if of.Layout != "toaster" || why == "" {
		return ""
	}
	return "does not apply with layout = toaster: " + why
}

// skipping is a step that asks, reads and plans nothing for a site that it does not apply to.
func skipping(s Step) Step {
	if elsewhere[s.ID] == "" {
		return s
	}
	fields, reads, plan, strip := s.Fields, s.Reads, s.Plan, s.Strip
	if fields != nil {
		s.Fields = func(of *site.Site) []string {
			if s.Skipped(of) != "" {
				return nil
			}
			return fields(of)
		}
	}
	if reads != nil {
		s.Reads = func(of *site.Site, h *site.Host) []remote.Query {
			if s.Skipped(of) != "" {
				return nil
			}
			return reads(of, h)
		}
	}
	if strip != nil {
		s.Strip = func(of *site.Site, look Look, paths map[string]bool) Plan {
			if s.Skipped(of) != "" {
				return Plan{Step: s.ID}
			}
			return strip(of, look, paths)
		}
	}
	s.Plan = func(of *site.Site, look Look) Plan {
		if why := s.Skipped(of); why != "" {
			return Plan{Step: s.ID, Skipped: why, Notes: []Note{{Text: fmt.Sprintf("chapter %d, %s: %s", s.Chapter, s.Title, why)}}}
		}
		return plan(of, look)
	}
	return s
}
