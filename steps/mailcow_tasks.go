package steps

const installDockerText = `Mailcow runs in Docker, and wants 6 GiB of memory, 1 GiB of swap and 20 GB of disk.
It needs Docker Engine 24 or newer with Compose 2, which the packages of %MAIL% do not have.
Install both as Docker's own pages for Debian say (docs.docker.com, Install Docker Engine).
Then apply this chapter once more.`

const installDockerCopy = `
# on %MAIL%, as root: both must answer
docker version --format '{{.Server.Version}}'
docker compose version
# here
postern apply mailcow`

const adminText = `A fresh Mailcow lets everybody in as admin with the word moohoo: change that before all else.
The web is not open to the world yet: the command brings it here, through %PROXY%.
While it runs, open https://localhost:%WEB%/admin and accept the certificate that is not known.
Then switch on the second factor for admin.`

const domainsText = `In Mailcow's web interface (Email, Configuration): add each domain, then its mailboxes.
Make a DKIM key for each domain: selector %SELECTOR%, 2048 bits. The DNS chapter publishes it.
Make aliases for the addresses below: other servers and their reports write to them.
Ignore Mailcow's own DNS page: it compares with the address at home, which is right to be nowhere.`

// addresses are those that every mail domain must have (RFC 2142), and those that the records name.
func (w handwork) addresses() string {
	text := ""
	for _, d := range w.domains {
		for _, name := range []string{"postmaster", "abuse", "dmarc", "tlsrpt"} {
			text += name + "@" + d + "\n"
		}
	}
	return text
}
