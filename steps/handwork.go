package steps

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/seen"
	"postern/site"
	"postern/zone"
)

// forPeople plans tasks for a person, only where the site has what they are made of, and says with a note what the program does of them.
func forPeople(step Step, note string, tasks func(handwork) []Task) func(*site.Site, Look) Plan {
	return func(s *site.Site, look Look) Plan {
		p := Plan{Step: step.ID}
		w, missing := work(s, step)
		w.look = look
		switch {
		case missing == "":
			p.Tasks = tasks(w)
		case missing != "host":
			p.Tasks = []Task{answersTask(step, missing)}
		}
		if len(p.Tasks) > 0 {
			p.Notes = []Note{{Text: "chapter " + strconv.Itoa(step.Chapter) + ", " + step.Title + ": " + note}}
		} else {
			p.Notes = []Note{{Text: "chapter " + strconv.Itoa(step.Chapter) + ", " + step.Title + ": nothing to do with these answers"}}
		}
		return p
	}
}

// answersTask asks for what a chapter is made of.
func answersTask(step Step, missing string) Task {
	return Task{
		ID: step.ID + ".answers", Title: "give the answers that this chapter is made of",
		Text: "What to do here is written with your own names in it, and these are not known yet: " + missing + ".\n" +
			"Answer them: run postern again, or give them on the command line.",
		Copy: "postern fields --save --set " + strings.ReplaceAll(missing, ", ", "=NAME --set ") + "=NAME",
	}
}

// TaskIDs lists the tasks for a person that a site has, in the order of the chapters.
func TaskIDs(s *site.Site) []string {
	var ids []string
	for _, h := range s.HostsOf(site.Proxy) {
		for _, t := range hosterTasks(s, h, seen.Host{}) {
			ids = append(ids, t.ID)
		}
	}
	for _, step := range All() {
		var list []Task
		switch w, missing := work(s, step); {
		case step.Skipped(s) != "":
		case step.OfAnswers():
			list = step.Plan(s, Look{}).Tasks
		case step.ID == "mailcow" && missing != "":
			list = []Task{answersTask(step, missing)}
		case step.ID == "mailcow" && w.mailcow():
			if list = w.mailcowTasks(true); len(s.Mail.LAN) > 0 {
				list = append(list, w.lanTask("", nil))
			}
		case step.ID == "mailcow":
			list = otherMailServer(w)
		case step.ID == "haraka" && missing == "" && !w.mailcow():
			list = []Task{w.mailServerTask(seen.Mailer{})}
		case step.ID == "caddy":
			list = append(webTasks(s), w.certificateTasks()...)
		}
		for _, t := range list {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// handwork is what the texts of tasks are filled from.
type handwork struct {
	s           *site.Site
	proxy, mail *site.Host
	domains     []string
	domain      string // the one that a text is about
	look        Look
}

// of is the same for a text about one domain.
func (w handwork) of(domain string) handwork {
	w.domain = domain
	return w
}

// Lacks lists the keys of the answers that the chapter is made of and that are missing: until they are given nothing of it is planned, and
// an empty plan does not mean that it is in place.
func (s Step) Lacks(of *site.Site) []string {
	if s.Skipped(of) != "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Needs), func(key string) bool {
		f, err := site.FieldOf(of, key)
		return err == nil && f.Get(of) != ""
	})
}

// work finds it, or says which answers are missing.
func work(s *site.Site, step Step) (w handwork, missing string) {
	proxies, mails := s.HostsOf(site.Proxy), s.HostsOf(site.Mail)
	if s.Layout == "toaster" {
		mails = proxies
	}
	if len(proxies) == 0 || len(mails) == 0 {
		return w, "host"
	}
	w = handwork{s: s, proxy: proxies[0], mail: mails[0], domains: zone.Domains(s)}
	return w, strings.Join(step.Lacks(s), ", ")
}

// haraka says whether a mail server on the proxy takes the mail first.
func (w handwork) haraka() bool { return w.s.Mail.Path == "haraka" }

// mailcow says whether the mail server is Mailcow.
func (w handwork) mailcow() bool { return w.s.Mail.Kind == "mailcow" }

// public is the proxy's public IPv4 address, or what to put in its place.
func (w handwork) public() string {
	if w.proxy.Public4.IsValid() {
		return w.proxy.Public4.String()
	}
	return "PUBLIC-ADDRESS-OF-" + strings.ToUpper(w.proxy.Name)
}

var blankWord = regexp.MustCompile(`%[A-Z0-9]+%`)

// fill puts the site's own names, addresses and ports into a text, for words such as %HOST%.
func (w handwork) fill(text string) string {
	s := w.s
	words := map[string]string{
		"%HOST%": s.Hostname, "%D%": w.domain, "%P4%": w.public(),
		"%PROXY%": w.proxy.Name, "%MAIL%": w.mail.Name,
		"%TP%": s.TunnelAddress(w.proxy).String(), "%TM%": s.TunnelAddress(w.mail).String(), "%IFACE%": s.Tunnel.Interface,
		"%SELECTOR%": s.Mail.Selector, "%SMARTHOST%": s.Smarthost.Host, "%UNIT%": seen.TunnelUnit(s.Tunnel.Interface),
	}
	for name, port := range map[string]int{
		"SMTP": s.Ports.SMTP, "HTTP": s.Ports.HTTP, "HTTPS": s.Ports.HTTPS, "SUBMISSIONS": s.Ports.Submissions, "SUBMISSION": s.Ports.Submission,
		"IMAPS": s.Ports.IMAPS, "RELAY": s.Ports.Relay, "WEB": s.Ports.Web,
	} {
		words["%"+name+"%"] = strconv.Itoa(port)
	}
	if s.Layout == "toaster" { // the proxy of these texts is the host itself
		text = strings.NewReplacer("the proxy's", "the host's", "the proxy", "the host", "a proxy", "a host").Replace(text)
	}
	return strings.TrimSpace(blankWord.ReplaceAllStringFunc(text, func(word string) string {
		if with, known := words[word]; known {
			return with
		}
		panic(fmt.Sprintf("steps: a task has the word %s, which nothing fills", word)) // the contract test fills every text
	}))
}

// task is a Task with its texts filled in.
func (w handwork) task(id, title, text, copy string) Task {
	return Task{ID: id, Title: w.fill(title), Text: w.fill(text), Copy: w.fill(copy)}
}

// sshTo is the operator's own words for reaching a host, for a command to copy.
func sshTo(h *site.Host) string {
	switch {
	case h.SSH == "":
		return "root@" + h.Name
	case strings.Contains(h.SSH, "@") && strings.Contains(h.SSH, ":") && !strings.HasPrefix(h.SSH, "ssh://"):
		return "ssh://" + h.SSH
	}
	return h.SSH
}
