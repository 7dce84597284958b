package firewall

import (
	"regexp"
	"strings"
)

// settings are what /etc/default/ufw and /etc/ufw/ufw.conf say, as ufw's program reads them: the last line counts.
type settings struct {
	input, output, forward string // ACCEPT, DROP or REJECT
	ipv6, enabled          bool
	managed                bool   // ufw flushes the built-in chains at its start
	loglevel               string // off, low, medium, high or full
}

var settingLine = regexp.MustCompile(`^\w+="?\w+"?`)

// parseSettings reads both files together.
func parseSettings(defaults, conf string) settings {
	values := map[string]string{}
	for _, line := range strings.Split(defaults+"\n"+conf, "\n") {
		if settingLine.MatchString(line) {
			w := strings.Split(strings.TrimSpace(line), "=")
			values[w[0]] = strings.ToLower(strings.Trim(w[1], `"'`))
		}
	}
	s := settings{
		input:    strings.ToUpper(values["DEFAULT_INPUT_POLICY"]),
		output:   strings.ToUpper(values["DEFAULT_OUTPUT_POLICY"]),
		forward:  strings.ToUpper(values["DEFAULT_FORWARD_POLICY"]),
		ipv6:     values["IPV6"] == "yes",
		enabled:  values["ENABLED"] == "yes",
		managed:  values["MANAGE_BUILTINS"] == "yes",
		loglevel: values["LOGLEVEL"],
	}
	switch s.loglevel {
	case "off", "low", "medium", "high", "full":
	default: // ufw sets it to low at its next start
		s.loglevel = "low"
	}
	return s
}
