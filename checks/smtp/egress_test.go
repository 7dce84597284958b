package smtp

import (
	"net/netip"
	"slices"
	"testing"

	"postern/checks"
	"postern/seen"
)

// three are mail servers of different operators that all meet a dial in one way.
func three(a checks.Answer) []Dial {
	var all []Dial
	for _, name := range []string{"mx.google.com", "mx.outlook.com", "mx.icloud.com"} {
		all = append(all, Dial{Name: name, At: netip.MustParseAddrPort("198.51.100.71:25"), Answer: a})
	}
	if a == checks.Open {
		for i := range all {
			all[i].Greeted, all[i].Paper, all[i].Names = all[i].Name, all[i].Name, []string{all[i].Name}
		}
	}
	return all
}

// with changes the last of three.
func with(a checks.Answer, edit func(*Dial)) []Dial {
	all := three(a)
	edit(&all[2])
	return all
}

func kept(verdict string) seen.Fate { return seen.Fate{Verdict: verdict, Rule: "-A OUTPUT x"} }

// drops is what a silent port 25 looks like while the web answers.
var drops = Signals{Family: "IPv4", Dials: three(checks.Dropped), Canary: checks.Dropped, Control: checks.Open, Submission: checks.Open, Goes: kept("ACCEPT"), Comes: kept("ACCEPT")}

// diagnoses are signals as they were measured for each cause, and what they come to.
var diagnoses = []struct {
	name  string
	edit  func(*Signals)
	cause string
	sure  string
}{
	{"a silent drop", func(*Signals) {}, "provider", likely},
	{"counted: SYNs left", func(s *Signals) { s.Counted = &Counted{SYN: 9} }, "provider", certain},
	{"counted: none left, and no rule seen", func(s *Signals) { s.Counted = &Counted{} }, "host drops", certain},
	{"a rule that drops", func(s *Signals) { s.Goes = kept("DROP") }, "host drops", certain},
	{"a rule that may drop", func(s *Signals) { s.Goes.Unsure = true }, "provider", possible},
	{"a rule that may drop, counted", func(s *Signals) { s.Goes.Unsure = true; s.Counted = &Counted{SYN: 9} }, "provider", certain},
	{"a rule that drops, behind one that may accept", func(s *Signals) { s.Goes = kept("DROP"); s.Goes.Unsure = true }, "provider", possible},
	{"rules nobody could read", func(s *Signals) { s.Goes, s.Comes = seen.Fate{}, seen.Fate{} }, "provider", likely},
	{"a rule that rejects", func(s *Signals) { s.Dials = three(checks.Refused); s.Goes = kept("REJECT") }, "host rejects", certain},
	{"refused at once through sshd", func(s *Signals) { s.Dials = three(checks.NoPlace) }, "host rejects", likely},
	{"refused, counted: nothing left", func(s *Signals) { s.Dials = three(checks.Refused); s.Counted = &Counted{} }, "host rejects", certain},
	{"refused, counted: by a reset", func(s *Signals) { s.Dials = three(checks.Refused); s.Counted = &Counted{SYN: 3, RST: 3} }, "provider resets", certain},
	{"refused: a reset or a port-unreachable", func(s *Signals) { s.Dials = three(checks.Refused) }, "provider resets", likely},
	{"prohibited", func(s *Signals) { s.Dials = three(checks.Rejected) }, "explicit filter", likely},
	{"answers dropped by a rule", func(s *Signals) { s.Comes = kept("DROP") }, "replies dropped", certain},
	{"answers counted, none heard", func(s *Signals) { s.Counted = &Counted{SYN: 9, SYNACK: 9} }, "replies dropped", certain},
	{"465 and 587 too", func(s *Signals) { s.Submission = checks.Dropped }, "all of SMTP", likely},
	{"open in the other family", func(s *Signals) { s.OtherOpen = true }, "family", likely},
	{"open from the proxy", func(s *Signals) { s.ProxyOpen = true }, "tunnel", likely},
	{"the web is dead too", func(s *Signals) { s.Control = checks.Dropped }, "no internet", likely},
	{"one alone", func(s *Signals) { s.Dials = s.Dials[:1] }, "one asked", possible},
	{"no names", func(s *Signals) { s.Dials, s.Lookup = nil, "its resolver does not answer" }, "resolver", certain},
	{"no addresses", func(s *Signals) { s.Dials = nil }, "nobody to ask", certain},
	{"no way, it says", func(s *Signals) { s.Dials = three(checks.NoRoute) }, "explicit filter", likely},
	{"no route", func(s *Signals) { s.Dials, s.Control = three(checks.NoRoute), checks.NoRoute }, "no route", certain},
	{"prohibited, as often as a limit allows", func(s *Signals) { s.Dials[0].Answer = checks.Rejected }, "explicit filter", likely},
	{"stopped", func(s *Signals) { s.Dials = three(checks.Stopped) }, "stopped", certain},
	{"no forwarding", func(s *Signals) { s.Dials, s.Control = three(checks.NoPlace), checks.NoPlace }, "cannot ask", certain},
	{"open", func(s *Signals) { s.Dials = three(checks.Open) }, "open", certain},
	{"one away", func(s *Signals) { s.Dials = with(checks.Open, func(d *Dial) { *d = three(checks.Dropped)[2] }) }, "far side", likely},
	{"one declines", func(s *Signals) { s.Dials = with(checks.Open, func(d *Dial) { d.Greeted, d.Declined = "", "554 no" }) }, "reputation", likely},
	{"all decline", func(s *Signals) {
		for i := range s.Dials {
			s.Dials[i].Answer, s.Dials[i].Declined = checks.Open, "554 no"
		}
	}, "reputation", certain},
	{"the canary sings", func(s *Signals) { s.Dials, s.Canary = three(checks.Open), checks.Open }, "intercepted", likely},
	{"one greeting for two", func(s *Signals) { s.Dials = with(checks.Open, func(d *Dial) { d.Greeted = "mx.google.com" }) }, "intercepted", likely},
	{"one certificate for two", func(s *Signals) { s.Dials = with(checks.Open, func(d *Dial) { d.Paper = "mx.google.com" }) }, "intercepted", likely},
	{"certificates of nobody's", func(s *Signals) {
		s.Dials = three(checks.Open)
		for i := range s.Dials {
			s.Dials[i].Names = []string{"proxy.isp.example"}
		}
	}, "intercepted", likely},
	{"one certificate of nobody's", func(s *Signals) { s.Dials = with(checks.Open, func(d *Dial) { d.Names = []string{"localhost"} }) }, "open", certain},
	{"a greeting painted over", func(s *Signals) { s.Dials = with(checks.Open, func(d *Dial) { d.Greeted = "****************" }) }, "intercepted", likely},
	{"greetings that nobody took", func(s *Signals) { s.Dials = three(checks.Open); s.Dials[1].Greeted, s.Dials[2].Greeted = "", "" }, "open", certain},
}

// Each row of the table is the diagnosis of something that was measured, and says what to do about it.
func TestDiagnose(t *testing.T) {
	met := map[string]bool{}
	for _, c := range diagnoses {
		s := drops
		s.Dials = slices.Clone(s.Dials)
		c.edit(&s)
		d := Diagnose(s)
		if met[d.Cause] = true; d.Cause != c.cause || d.Sure != c.sure {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, d.Cause, d.Sure, c.cause, c.sure)
		}
		if d.Words == "" || d.Outcome == "" || (d.Outcome == checks.Fail || d.Outcome == checks.Warn) && d.Do == "" || d.Sure != certain && d.Outcome != checks.OK && d.Settles == "" {
			t.Errorf("%s: it does not say enough: %+v", c.name, d)
		}
	}
	for _, r := range egress {
		if !met[r.Cause] {
			t.Errorf("nothing comes to %q", r.Cause)
		}
	}
}

// The sure signs of the host's own come before all that a provider may be thought to do.
func TestNeverTheProviderForTheHostsOwn(t *testing.T) {
	for _, a := range []checks.Answer{checks.Dropped, checks.Refused, checks.Rejected, checks.NoPlace} {
		for _, verdict := range []string{"DROP", "REJECT"} {
			for _, control := range []checks.Answer{checks.Open, checks.Dropped} {
				s := drops
				s.Dials, s.Goes, s.Control = three(a), kept(verdict), control
				if d := Diagnose(s); d.Sure != certain || d.Do == askProvider {
					t.Errorf("%s, %s: %+v", a, verdict, d)
				}
			}
		}
	}
}

// What is to be typed takes away the rule that was seen, and no other.
func TestTakeAway(t *testing.T) {
	for rule, want := range map[string]string{
		"-A ufw-user-output -p tcp -m tcp --dport 25 -j DROP":                                       "ufw delete deny out 25/tcp",
		"-A ufw-user-output -p tcp -m tcp --dport 25 -j REJECT --reject-with icmp-port-unreachable": "ufw delete reject out 25/tcp",
		"-A ufw-user-output -d 198.51.100.0/24 -p tcp -m tcp --dport 25 -j DROP":                    "'ufw status numbered' shows it, and 'ufw delete NUMBER' takes it away",
		"-A OUTPUT -p tcp -m tcp --dport 25 -j DROP":                                                "iptables -D OUTPUT -p tcp -m tcp --dport 25 -j DROP",
		"table inet mine: tcp dport 25 drop":                                                        "it is of table inet mine: take it away there, by the program that made it",
		"policy of OUTPUT":                                                                          "let mail out before that: ufw allow out 25/tcp",
	} {
		if got := takeAway(rule, "IPv4"); got != want {
			t.Errorf("%s: %q, want %q", rule, got, want)
		}
	}
}
