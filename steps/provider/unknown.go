package provider

func init() {
	register(Provider{
		ID:       Unknown,
		Name:     "this provider",
		Firewall: Firewall{Default: Unsaid, Said: Said{Steps: []string{"A panel firewall that keeps no state needs the answers let in as well: ask the provider."}}},
		In25:     Unsaid,
		Out25:    Port25{Default: Unsaid, Needs: []string{"the host name", "its reverse DNS name", "an SPF record"}},
	})
}
