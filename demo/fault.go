package demo

// The faults that a world can be told to show; who shows each is in the file that knows the thing which fails.
func init() {
	for _, f := range [][2]string{
		{"lockout", "switching the proxy's firewall on cuts new SSH logins there: only the host itself can take that back"},
		{"port25", "the proxy's provider drops TCP port 25 in both directions"},
		{"mtu", "a stretch between the hosts swallows large tunnel packets, and tells nobody"},
		{"apt", "another apt holds the package lock of the proxy for the first twenty seconds"},
		{"badkey", "the proxy shows another host key at every login after the first"},
		{"password", "the mail host lets nobody in without a password, which is \"postern\""},
		{"boot", "the mail host reboots when its tunnel is started for the first time"},
	} {
		fault(f[0], f[1])
	}
}
