package smtp

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
)

// Signals are what was met when a host dialled port 25 of others, in one family: all that the diagnosis is made of.
type Signals struct {
	At         time.Time     `json:"at"`
	From       string        `json:"from"`             // the host, or its address
	Family     string        `json:"family"`           // IPv4 or IPv6
	Lookup     string        `json:"lookup,omitempty"` // why no name could be looked up
	Dials      []Dial        `json:"dials"`
	Canary     checks.Answer `json:"canary"`               // port 25 of an address that nobody has
	Control    checks.Answer `json:"control,omitempty"`    // port 443 of others; not asked where a mail server answers
	Submission checks.Answer `json:"submission,omitempty"` // ports 465 and 587 of others
	Goes       seen.Fate     `json:"goes"`                 // what the host's own rules make of the first packet
	Comes      seen.Fate     `json:"comes"`                // and of its answer
	Counted    *Counted      `json:"counted,omitempty"`
	OtherOpen  bool          `json:"other_family_open,omitempty"`
	Cause      string        `json:"cause"` // what it comes to, once that is known, and how sure that is
	Sure       string        `json:"sure"`
	ProxyOpen  bool          `json:"proxy_open,omitempty"` // this host sends through the proxy, and that reaches mail servers itself
}

// Dial is what came of one mail server.
type Dial struct {
	Name     string         `json:"name"`
	At       netip.AddrPort `json:"at"`
	Answer   checks.Answer  `json:"answer"`
	Said     string         `json:"said"`
	Detail   string         `json:"detail,omitempty"`
	MS       int64          `json:"ms"`
	Greeted  string         `json:"greeted,omitempty"`  // the name in its greeting
	Declined string         `json:"declined,omitempty"` // what it did instead of a conversation
	Paper    string         `json:"certificate,omitempty"`
	Names    []string       `json:"certificate_names,omitempty"`
}

// Counted are packets to and from port 25 of these mail servers that passed a host: behind its own firewall on the way out, and before it
// on the way in.
type Counted struct {
	SYN    int          `json:"syn_out"`
	SYNACK int          `json:"syn_ack_in"`
	RST    int          `json:"rst_in"`
	ICMP   int          `json:"icmp_in"`
	By     []netip.Addr `json:"icmp_from,omitempty"` // who says so
}

// Diagnosis is what signals come to: one line, what to do about it, how sure that is, and what would settle it.
type Diagnosis struct {
	Cause   string // a word or two, which stay the same
	Outcome checks.Outcome
	Words   string
	Do      string // "" where the check's own words do
	Sure    string // certain, likely or possible
	Settles string
}

const (
	certain, likely, possible = "certain", "likely", "possible"
	askProvider               = "postern port25 leads through asking the provider, and writes the letter"

	// Packets is what settles most of it, said in Settles: see checks.Env.
	Packets = "postern port25 looks at the packets that pass the host's own firewall"
)

// row is one row of the table: the first that fits is the diagnosis.
type row struct {
	is func(Signals) bool
	Diagnosis
}

// egress is the table of what keeps outgoing mail back, the surest signs first.
var egress = []row{
	{func(s Signals) bool { return len(s.Dials) == 0 && s.Lookup == "" }, Diagnosis{"nobody to ask", checks.Skip, "none of the mail servers (port25.exchangers) has an address over %s there", "", certain, ""}},
	{func(s Signals) bool { return len(s.Dials) == 0 }, Diagnosis{"resolver", checks.Unknown, "no mail server's name could be looked up: that is the host's resolver, not port 25",
		"mend the resolver of the host (/etc/resolv.conf), or name mail servers by address in port25.exchangers; then ask again", certain, ""}},
	{func(s Signals) bool { return s.every(checks.NoRoute) && s.Control == checks.Open }, Diagnosis{"explicit filter", checks.Fail, "a filter on the way says that there is no way to port 25", askProvider, likely, Packets + ", and who says so"}},
	{func(s Signals) bool { return s.every(checks.NoRoute) }, Diagnosis{"no route", checks.Unknown, "the host has no route there", "", certain, ""}},
	{func(s Signals) bool { return s.every(checks.Stopped) }, Diagnosis{"stopped", checks.Unknown, "stopped before it answered", "", certain, ""}},
	{intercepted, Diagnosis{"intercepted", checks.Fail, "somebody between this host and the world answers for mail servers that are not theirs", "ask the provider to let port 25 through untouched; until then send by a smart host (smarthost.host)", likely,
		"a mail server of your own elsewhere sees who really connects"}},
	{func(s Signals) bool { return s.opens() == len(s.Dials) && s.declined() == len(s.Dials) }, Diagnosis{"reputation", checks.Fail, "port 25 is open, and every mail server declines this address", "read what they say: each tells where to ask to be taken off its list", certain, ""}},
	{func(s Signals) bool { return s.opens() > 0 && s.declined() > 0 }, Diagnosis{"reputation", checks.Warn, "port 25 is open, and a mail server declines this address", "read what it says: it tells where to ask to be taken off its list", likely, "the lists of blocked addresses, from the host"}},
	{func(s Signals) bool { return s.opens() == len(s.Dials) }, Diagnosis{"open", checks.OK, "port 25 is open", "", certain, ""}},
	{func(s Signals) bool { return s.opens() > 0 }, Diagnosis{"far side", checks.Warn, "port 25 is open; not every mail server answers this host", "nothing to ask the provider for: it is that server's, its outage or its list", likely, "the same server, dialled from elsewhere"}},
	{func(s Signals) bool { return surely(s.Goes, "DROP") }, Diagnosis{"host drops", checks.Fail, "the host's own firewall drops outgoing port 25", "take that rule away by its own means", certain, ""}},
	{func(s Signals) bool { return surely(s.Goes, "REJECT") }, Diagnosis{"host rejects", checks.Fail, "the host's own firewall rejects outgoing port 25", "take that rule away by its own means", certain, ""}},
	{func(s Signals) bool { return s.Counted != nil && s.Counted.SYNACK > 0 || surely(s.Comes, "DROP") }, Diagnosis{"replies dropped", checks.Fail, "answers arrive and the host's own firewall drops them", "let established connections in (ct state established,related accept)", certain, ""}},
	{func(s Signals) bool { return s.Counted != nil && s.Counted.SYN == 0 && s.any(checks.Dropped) }, Diagnosis{"host drops", checks.Fail, "the host itself drops outgoing port 25: nothing leaves it", "look for it in 'nft list ruleset' and in 'ufw status'", certain, ""}},
	{func(s Signals) bool { return s.Counted != nil && s.Counted.SYN == 0 }, Diagnosis{"host rejects", checks.Fail, "the host itself refuses outgoing port 25: nothing answered it", "look for it in 'nft list ruleset', in 'ip rule' and in 'ip route get'", certain, ""}},
	{func(s Signals) bool { return s.every(checks.NoPlace) && s.Control == checks.Open }, Diagnosis{"host rejects", checks.Fail, "the host itself refuses outgoing port 25 at once, while the web answers", "look for it in 'nft list ruleset', in 'ip rule' and in 'ip route get'", likely, Packets}},
	{func(s Signals) bool { return s.every(checks.NoPlace) }, Diagnosis{"cannot ask", checks.Unknown, "this host cannot ask", "", certain, ""}},
	{func(s Signals) bool { return s.Control != "" && s.Control != checks.Open }, Diagnosis{"no internet", checks.Fail, "nothing of the internet answers over %s, its web neither", "mend the host's default route, or its whole network, first", likely, "'ip route' and a ping of its gateway"}},
	{func(s Signals) bool { return s.ProxyOpen }, Diagnosis{"tunnel", checks.Fail, "the proxy reaches mail servers, and what this host sends through it does not", "postern apply haraka: its rules on both hosts lead mail through the tunnel", likely, "firewall.rules and the checks of the tunnel"}},
	{func(s Signals) bool { return len(s.Dials) == 1 }, Diagnosis{"one asked", checks.Unknown, "the only mail server that could be asked does not answer", "name more of different operators (port25.exchangers), then ask again", possible, "mail servers of other operators"}},
	{func(s Signals) bool { return s.any(checks.Rejected) }, Diagnosis{"explicit filter", checks.Fail, "a filter on the way says that port 25 is prohibited", askProvider, likely, Packets + ", and who says so"}},
	{func(s Signals) bool { return s.any(checks.Refused) }, Diagnosis{"provider resets", checks.Fail, "a filter on the way resets outgoing port 25", askProvider, likely, Packets}},
	{func(s Signals) bool { return s.OtherOpen }, Diagnosis{"family", checks.Fail, "the provider keeps back outgoing port 25 over %s alone", askProvider, likely, Packets}},
	{func(s Signals) bool { return s.Submission == checks.Dropped }, Diagnosis{"all of SMTP", checks.Fail, "the provider keeps back all ports of mail, those of submission too", askProvider, likely, Packets}},
	{func(s Signals) bool { return s.Goes.Unsure && s.Counted == nil }, Diagnosis{"provider", checks.Fail, "the provider keeps back outgoing port 25, or a rule of the host that is not understood does", askProvider, possible, Packets}},
	{func(Signals) bool { return true }, Diagnosis{"provider", checks.Fail, "the provider keeps back outgoing port 25", askProvider, likely, Packets + "; a firewall of the provider that keeps no state looks the same: let answers (TCP, established) in there"}},
}

// Diagnose says what keeps mail from leaving, if anything does.
func Diagnose(s Signals) Diagnosis {
	at := slices.IndexFunc(egress, func(r row) bool { return r.is(s) })
	d := egress[at].Diagnosis
	if s.Counted != nil && s.Counted.SYN > 0 && d.Settles != "" && strings.HasPrefix(d.Settles, Packets) {
		d.Sure, d.Settles = certain, strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(d.Settles, Packets), "; "), ", and who says so")
	}
	d.Words = strings.ReplaceAll(d.Words, "%s", s.Family)
	if f := s.decides(d.Cause); f.Rule != "" {
		d.Words, d.Do = d.Words+": "+quote(f.Rule), takeAway(f.Rule, s.Family)
	}
	return d
}

// every says whether all dials met that.
func (s Signals) every(a checks.Answer) bool {
	return len(s.Dials) > 0 && s.count(func(d Dial) bool { return d.Answer == a }) == len(s.Dials)
}

// any says whether some dial met that.
func (s Signals) any(a checks.Answer) bool {
	return s.count(func(d Dial) bool { return d.Answer == a }) > 0
}

// opens is how many mail servers connect, declined with how many of them no conversation came about.
func (s Signals) opens() int { return s.count(func(d Dial) bool { return d.Answer == checks.Open }) }

func (s Signals) declined() int { return s.count(func(d Dial) bool { return d.Declined != "" }) }

func (s Signals) count(is func(Dial) bool) int {
	return len(slices.DeleteFunc(slices.Clone(s.Dials), func(d Dial) bool { return !is(d) }))
}

// surely says whether the host's own rules are sure to end a packet so.
func surely(f seen.Fate, verdict string) bool { return !f.Unsure && f.Verdict == verdict }

func quote(rule string) string { return fmt.Sprintf("%q", remote.Clean(rule).Line(160)) }

// decides is what the host's own rules do, where a diagnosis is about that.
func (s Signals) decides(cause string) seen.Fate {
	switch {
	case cause == "replies dropped" && surely(s.Comes, "DROP"):
		return s.Comes
	case strings.HasPrefix(cause, "host ") && (surely(s.Goes, "DROP") || surely(s.Goes, "REJECT")):
		return s.Goes
	}
	return seen.Fate{}
}

var ufwRule = regexp.MustCompile(`^-A ufw6?-user-output -p tcp -m tcp --dport (\d+) -j (DROP|REJECT)`)

// takeAway is what a person types to take away a rule that is not ours.
func takeAway(rule, family string) string {
	set, _, apart := strings.Cut(rule, ": ")
	command, foreign := seen.Removal(rule, "filter", family == "IPv6")
	switch {
	case apart:
		return "it is of " + remote.Clean(set).Line(60) + ": take it away there, by the program that made it"
	case ufwRule.MatchString(rule):
		m := ufwRule.FindStringSubmatch(rule)
		return "ufw delete " + map[string]string{"DROP": "deny", "REJECT": "reject"}[m[2]] + " out " + m[1] + "/tcp"
	case strings.HasPrefix(rule, "-A ufw"):
		return "'ufw status numbered' shows it, and 'ufw delete NUMBER' takes it away"
	case foreign:
		return cmp.Or(command, "take the rule away by the program that made it")
	}
	return "let mail out before that: ufw allow out 25/tcp"
}

// intercepted says whether somebody in between answers: for an address that nobody has, for mail servers of different operators alike,
// or by a greeting that was painted over.
func intercepted(s Signals) bool {
	if s.Canary == checks.Open {
		return true
	}
	greeted, papers, wrong := map[string]bool{"": true}, map[string]bool{"": true}, 0
	for _, d := range s.Dials {
		if strings.HasPrefix(d.Greeted, "**") || d.Greeted != "" && greeted[d.Greeted] || d.Paper != "" && papers[d.Paper] {
			return true
		}
		greeted[d.Greeted], papers[d.Paper] = true, true
		if d.Paper != "" && !d.fits() {
			wrong++
		}
	}
	return wrong > 1 && wrong == len(papers)-1
}

// fits says whether a certificate is of the mail server's operator: whose domain is the same.
func (d Dial) fits() bool {
	_, err := netip.ParseAddr(d.Name)
	return err == nil || slices.ContainsFunc(d.Names, func(name string) bool { return operator(name) == operator(d.Name) })
}

// operator is the end of a name that all names of an operator have.
func operator(name string) string {
	parts := strings.Split(strings.ToLower(strings.TrimSuffix(name, ".")), ".")
	return strings.Join(parts[max(0, len(parts)-2):], ".")
}

// String is one dial in a line for who reads evidence, such as the provider's support.
func (d Dial) String() string {
	text := strings.TrimSuffix(fmt.Sprintf("%s (%s): %s; %s", d.Name, d.At, d.Said, d.Detail), "; ")
	if d.Declined != "" {
		text += "; " + d.Declined
	} else if d.Greeted != "" {
		text += "; it greets as " + d.Greeted
	}
	return text
}
