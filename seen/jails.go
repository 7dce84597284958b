package seen

import "strings"

// Jails are the jails of fail2ban that are at work, by name; none where there is no fail2ban.
var Jails = register(Fact[[]string]{ID: "jails", ask: text(`command -v fail2ban-client >/dev/null && timeout 5 fail2ban-client ping >/dev/null 2>&1 || { none absent; return; }
echo '== jails'; timeout 5 fail2ban-client status 2>/dev/null || { echo 'fail2ban gave no answer'; return 3; }`),
	parse: func(s sections) (jails []string, err error) {
		for _, line := range s.lines("jails") {
			if _, list, ok := strings.Cut(line, "Jail list:"); ok {
				for _, name := range strings.Split(list, ",") {
					if name = strings.TrimSpace(name); Name(name) {
						jails = append(jails, name)
					}
				}
			}
		}
		return jails, nil
	}})
