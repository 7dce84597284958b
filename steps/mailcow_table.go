package steps

import (
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

const (
	mailcowConf = seen.MailcowDir + "/mailcow.conf"
	mailcowHook = seen.MailcowDir + "/post_update_hook.sh"
)

// mailcowTable has Mailcow listen where only the tunnel comes in, and its updates leave that alone.
func mailcowTable(s *site.Site, h *site.Host, now seen.Mailcow) does.Table {
	keys := mailcowKeys(s, h, now)
	up := mailcowProject(s, h)
	up.Here = now.Begun()
	return does.Table{Step: "mailcow", Things: []does.Thing{
		does.Keys{Path: mailcowConf, Syntax: does.Assignments, Set: keys, Title: "have Mailcow listen on " + s.TunnelAddress(h).String() + ", in " + mailcowConf},
		does.Block{Path: mailcowHook, Text: hookText(keys), Made: true, Title: "have Mailcow's updates keep these settings"},
		up,
	}}
}

// mailcowProject is what Compose knows of it.
func mailcowProject(s *site.Site, h *site.Host) does.Compose {
	return does.Compose{Dir: seen.MailcowDir, Config: []string{mailcowConf, lanFile}, Along: true, At: s.TunnelAddress(h).String(),
		Greets: []string{fmt.Sprintf("%s:%d", seen.MailcowPostfix, site.WorldSMTP)}}
}

// mailcowKeys are the settings that the tunnel needs.
//
// guide: mailcow, Starting Mailcow: the guide leaves the usual ports, which Docker opens past ufw.
func mailcowKeys(s *site.Site, h *site.Host, now seen.Mailcow) []does.Key {
	addr := s.TunnelAddress(h).String()
	keys := []does.Key{
		{Name: "MAILCOW_HOSTNAME", Value: s.Hostname},
		{Name: "HTTP_BIND", Value: addr}, {Name: "HTTP_PORT", Value: fmt.Sprint(s.Ports.HTTP)}, {Name: "HTTPS_BIND", Value: addr}, {Name: "HTTPS_PORT", Value: fmt.Sprint(s.Ports.Web)},
		{Name: "HTTP_REDIRECT", Value: "n"}, {Name: "ENABLE_IPV6", Value: "false"}, {Name: "SKIP_LETS_ENCRYPT", Value: "y"}, {Name: "AUTODISCOVER_SAN", Value: "n"},
	}
	for _, one := range []struct {
		name string
		port int
	}{{"SMTP_PORT", s.Ports.SMTP}, {"SMTPS_PORT", s.Ports.Submissions}, {"SUBMISSION_PORT", s.Ports.Submission}, {"IMAPS_PORT", s.Ports.IMAPS}} {
		keys = append(keys, does.Key{Name: one.name, Value: fmt.Sprintf("%s:%d", addr, one.port)})
	}
	for _, one := range site.MailcowInside {
		port := strconv.Itoa(one.Port)
		was, said := now.Set[one.Name]
		if was != "" {
			port = was[strings.LastIndexByte(was, ':')+1:]
		}
		if said || one.Port > 0 {
			keys = append(keys, does.Key{Name: one.Name, Value: "127.0.0.1:" + port})
		}
	}
	return keys
}

// hookText is what Mailcow's update runs at its end: it writes settings anew, and switches IPv6 on wherever the host has it.
func hookText(keys []does.Key) string {
	text := "# Mailcow's update may bring other settings back: these are postern's.\n(\ncd " + seen.MailcowDir + " || exit\nwas=$(cksum <mailcow.conf)\n" +
		"keep() { sed -i \"s|^$1=.*|$1=$2|\" mailcow.conf; grep -q \"^$1=\" mailcow.conf || echo \"$1=$2\" >>mailcow.conf; }\n"
	for _, key := range keys {
		text += "keep " + key.Name + " " + remote.Quote(key.Value) + "\n"
	}
	return text + "[ \"$was\" = \"$(cksum <mailcow.conf)\" ] || docker compose up -d\n)\n"
}

// stripMailcow takes our settings out of files that others changed since. What stood there before is known of none of them any more, so they
// are what Mailcow brings.
func stripMailcow(s *site.Site, look Look, paths map[string]bool) Plan {
	p := Plan{Step: "mailcow"}
	for _, h := range s.HostsOf(site.Mail) {
		var things []does.Thing
		if paths[mailcowConf] {
			things = append(things, does.Keys{Path: mailcowConf, Syntax: does.Assignments, Set: mailcowBrings(), Title: "set in " + mailcowConf + " what Mailcow brings: its ports are open to everybody at home then"})
		}
		if paths[mailcowHook] {
			things = append(things, does.Block{Path: mailcowHook})
		}
		if paths[layerScript] {
			things = append(things, does.File{Path: layerScript, Gone: true})
		}
		_, changes, err := does.Table{Step: p.Step, Things: things}.Plan(look[h.Name])
		if err != nil {
			p.Refused = append(p.Refused, err.Error())
		}
		p.add(h, changes)
	}
	return p
}

// mailcowBrings are the settings that Mailcow's own generate_config.sh writes.
func mailcowBrings() (keys []does.Key) {
	usual := site.Default().Ports
	keys = []does.Key{
		{Name: "HTTP_BIND"}, {Name: "HTTP_PORT", Value: fmt.Sprint(usual.HTTP)}, {Name: "HTTPS_BIND"}, {Name: "HTTPS_PORT", Value: fmt.Sprint(usual.HTTPS)},
		{Name: "HTTP_REDIRECT", Value: "y"}, {Name: "SKIP_LETS_ENCRYPT", Value: "n"}, {Name: "AUTODISCOVER_SAN", Value: "y"},
		{Name: "SMTP_PORT", Value: fmt.Sprint(usual.SMTP)}, {Name: "SMTPS_PORT", Value: fmt.Sprint(usual.Submissions)},
		{Name: "SUBMISSION_PORT", Value: fmt.Sprint(usual.Submission)}, {Name: "IMAPS_PORT", Value: fmt.Sprint(usual.IMAPS)},
	}
	for _, one := range site.MailcowInside {
		if one.Port > 0 {
			keys = append(keys, does.Key{Name: one.Name, Value: strconv.Itoa(one.Port)})
		}
	}
	return keys
}
