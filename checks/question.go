package checks

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// Question is what a check says about one thing whatever the answer: where it asks, what is wanted and what mends it.
type Question struct {
	Suffix string // of the ID, with its leading dot; "" for a check that asks one thing
	From   string
	Want   string
	Fix    string
	Likely string // why it usually fails, when the answer does not tell more
	Rests  []string
}

func (q Question) result(o Outcome, saw, likely, evidence string) Result {
	r := Result{ID: q.Suffix, From: q.From, Outcome: o, Saw: remote.Clean(saw), Want: q.Want, Rests: q.Rests, Evidence: remote.Clean(evidence)}
	if o != OK && o != Skip {
		if likely == "" {
			likely = q.Likely
		}
		r.Likely, r.Fix = likely, q.Fix
	}
	return r
}

// OK is the result when all is as wanted.
func (q Question) OK(format string, args ...any) Result {
	return q.result(OK, fmt.Sprintf(format, args...), "", "")
}

// Skip is the result when the question does not apply.
func (q Question) Skip(format string, args ...any) Result {
	return q.result(Skip, fmt.Sprintf(format, args...), "", "")
}

// Fail is the result when it was measured that something is not as wanted.
func (q Question) Fail(saw, likely, evidence string) Result {
	return q.result(Fail, saw, likely, evidence)
}

// Warn is the result for what works and should not stay so.
func (q Question) Warn(saw, likely, evidence string) Result {
	return q.result(Warn, saw, likely, evidence)
}

// None is ok when nothing was found wrong, and else the failure that names it.
func (q Question) None(wrong []string, format string, args ...any) Result {
	if len(wrong) > 0 {
		return q.Fail(Few(wrong), "", strings.Join(wrong, "\n"))
	}
	return q.OK(format, args...)
}

// Unknown says why it could not be asked. A fix that is a step would promise too much: nothing was found broken.
func (q Question) Unknown(why, likely string) Result {
	if likely == "" {
		likely = "not told: nothing was measured"
	}
	q.Fix = askable(why + "; " + likely)
	return q.result(Unknown, why, likely, "")
}

// ways are what lets a question be asked that could not be, by why it could not.
var ways = []struct {
	why *regexp.Regexp
	fix string
}{
	{regexp.MustCompile(`there is no (\S+) on the host`), "install $1 on it, or apply the chapter that does, then ask again"},
	{regexp.MustCompile(`no perl on the host`), "install it there, which listens where nothing does yet (FreeBSD: pkg install perl5), then ask again"},
	{regexp.MustCompile(`(\S+)'s public address is not known`), "give it: --set host.$1.public4=ADDRESS --save (or public6), then ask again"},
	{regexp.MustCompile(`(\S+) could not be read`), "look at $1 on the host: is it there, and whole? Then ask again"},
	{regexp.MustCompile(`drops SSH_CONNECTION`), "let it through: 'Defaults env_keep += \"SSH_CONNECTION\"' in sudoers, by visudo"},
	{regexp.MustCompile(`being installed right now`), "wait until that is through, then ask again"},
	{regexp.MustCompile(`(\w+\.\w+) tells`), "ask that one: postern check $1"},
	{regexp.MustCompile(`AllowTcpForwarding|cannot ask|cannot be asked`), "let its sshd forward (AllowTcpForwarding yes), or run postern where it can ask from"},
	{regexp.MustCompile(`could not be looked at: .*host key has changed`), "compare the new key on the host's own console; where it was installed anew, forget the old one as said there. Else do not go on"},
	{regexp.MustCompile(`could not be looked at: .*refuses the connection`), "on the host's console: systemctl start ssh. Where it runs, wait a while: it turns away who connects too often"},
	{regexp.MustCompile(`could not be looked at: .*(does not answer|no way to|unreachable)`), "see on its console that the host is on, and that no firewall drops SSH from here; the wizard's 'Ways in' has other ways"},
	{regexp.MustCompile(`could not be looked at|cannot be reached`), "let postern reach it first: 'postern check host.ssh' asks the login alone"},
	{regexp.MustCompile(`the check itself broke`), "tell the makers of this program, with the log of the run"},
	{regexp.MustCompile(`answer`), "ask again in a while, and from another network: a provider may drop what goes there"},
	{regexp.MustCompile(``), "mend what is likely, then ask again"},
}

// askable is what would let a question be asked.
func askable(why string) string {
	for _, way := range ways {
		if m := way.why.FindStringSubmatchIndex(why); m != nil {
			return string(way.why.ExpandString(nil, way.fix, why, m))
		}
	}
	return ""
}

// Cannot is the unknown result for a host that could not be looked at.
func (q Question) Cannot(err error) Result {
	return q.Unknown(remote.Words(err), "the host cannot be reached, or this look was refused there")
}

// EachHost asks the same of every host of the roles, one result each; a host that could not be looked at is unknown.
func EachHost(e *Env, q Question, ask func(Question, *site.Host, *Vantage) Result, roles ...site.Role) []Result {
	var asks []func() Result
	for _, h := range e.Site.Hosts {
		for _, r := range roles {
			if h.Role != r {
				continue
			}
			one := q
			one.From = h.Name
			asks = append(asks, func() Result {
				v, err := e.Look(h)
				if err != nil {
					return one.Cannot(err)
				}
				return ask(one, h, v)
			})
		}
	}
	return Together(asks)
}

// OfHosts asks the same of every host by one fact of it; where that cannot be told, the result is unknown.
func OfHosts[T any](f seen.Fact[T], q Question, judge func(Question, T) Result) func(context.Context, *Env) []Result {
	return func(_ context.Context, e *Env) []Result {
		return EachHost(e, q, func(q Question, _ *site.Host, v *Vantage) Result {
			fact, err := f.Of(v.Facts)
			if err != nil {
				return q.Cannot(err)
			}
			return judge(q, fact)
		}, site.Proxy, site.Mail)
	}
}

// Few is a list in one line: its first entries, and how many more there are.
func Few(list []string) string {
	const shown = 3
	if len(list) <= shown {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:shown], "; "), len(list)-shown)
}

// Together asks all at once and keeps the order.
func Together(asks []func() Result) []Result {
	results := make([]Result, len(asks))
	AtOnce(len(asks), func(i int) {
		defer func() {
			if p := recover(); p != nil {
				results[i] = Question{From: Here}.Unknown(fmt.Sprintf("the check itself broke: %v", p), "a defect of this program")
			}
		}()
		results[i] = asks[i]()
	})
	return results
}

// AtOnce does so many things at once and waits for all.
func AtOnce(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}
