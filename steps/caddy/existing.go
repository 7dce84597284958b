package caddy

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"strings"

	"postern/site"
	"postern/zone"
)

// behind is what follows a name where HTTPS has another port than usual.
func behind(s *site.Site) string {
	if usual := site.Default().Ports.HTTPS; s.Ports.HTTPS == usual {
		return ""
	}
	return fmt.Sprintf(":%d", s.Ports.HTTPS)
}

// anyCase matches one of some paths, however it is written.
func anyCase(paths []string) string {
	var all []string
	for _, p := range paths {
		all = append(all, regexp.QuoteMeta(p))
	}
	return "^(" + strings.Join(all, "|") + ")$"
}

// Nginx is what an nginx that is there already needs: commands to paste.
func Nginx(s *site.Site) string {
	certificate, key := s.OwnCertificate()
	var b strings.Builder
	fmt.Fprintf(&b, `cat > /etc/nginx/conf.d/postern.conf <<'END'
server {
	listen %d;
	listen [::]:%[1]d;
	server_name %[2]s;
	location /.well-known/acme-challenge/ { root /var/www/html; }
	location / { return 308 https://$host%[3]s$request_uri; }
}
`, s.Ports.HTTP, strings.Join(zone.Certified(s), "\n\t\t"), behind(s))
	for _, p := range pages(s) {
		fmt.Fprintf(&b, "server {\n\tlisten %d ssl;\n\tlisten [::]:%[1]d ssl;\n\tserver_name %[2]s;\n\tssl_certificate %[3]s;\n\tssl_certificate_key %[4]s;\n", s.Ports.HTTPS, p.name, certificate, key)
		for _, d := range p.documents {
			fmt.Fprintf(&b, "\tlocation ~* %s {\n\t\tdefault_type '%s';\n\t\treturn 200 '%s';\n\t}\n", anyCase(d.paths), d.kind, d.text)
		}
		pass := fmt.Sprintf("\t\tproxy_pass https://%s;\n\t\tproxy_set_header Host $host;\n\t\tproxy_set_header X-Real-IP $remote_addr;\n"+
			"\t\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\t\tproxy_set_header X-Forwarded-Proto https;\n\t\tclient_max_body_size 0;\n", web(s))
		if p.admin {
			fmt.Fprintf(&b, "\tlocation ~* ^(%s) {\n\t\tallow %s;\n\t\tdeny all;\n%s\t}\n", strings.Join(adminPaths, "|"), strings.Join(admins(s), ";\n\t\tallow "), pass)
		}
		if p.passes {
			fmt.Fprintf(&b, "\tlocation / {\n%s\t}\n}\n", pass)
		} else {
			b.WriteString("\tlocation / { return 404; }\n}\n")
		}
	}
	return b.String() + "END\nnginx -t && systemctl reload nginx"
}

// Apache is the same for an Apache.
func Apache(s *site.Site) string {
	const folder = "/var/www/postern"
	certificate, key := s.OwnCertificate()
	var b, sites strings.Builder
	fmt.Fprintf(&b, "mkdir -p %s\n", folder)
	for _, p := range pages(s) {
		fmt.Fprintf(&sites, "<VirtualHost *:%d>\n\tServerName %[2]s\n\tRedirectMatch 308 ^/(?!\\.well-known/acme-challenge/)(.*)$ https://%[2]s%[3]s/$1\n</VirtualHost>\n", s.Ports.HTTP, p.name, behind(s))
		fmt.Fprintf(&sites, "<VirtualHost *:%d>\n\tServerName %s\n\tSSLEngine on\n\tSSLCertificateFile %s\n\tSSLCertificateKeyFile %s\n", s.Ports.HTTPS, p.name, certificate, key)
		for _, d := range p.documents {
			file := p.name + "-" + cmp.Or(path.Base(d.paths[0]), "index")
			if d.paths[0] == "/" {
				file = p.name + "-index.txt"
			}
			fmt.Fprintf(&b, "cat > %s/%s <<'END'\n%sEND\n", folder, file, d.text)
			fmt.Fprintf(&sites, "\tAliasMatch \"(?i)%s\" \\\n\t\t%s/%s\n\t<Files %[3]s>\n\t\tForceType \"%[4]s\"\n\t</Files>\n", anyCase(d.paths), folder, file, d.kind)
		}
		if p.admin {
			fmt.Fprintf(&sites, "\t<LocationMatch \"(?i)^(%s)\">\n\t\tRequire ip %s\n\t</LocationMatch>\n", strings.Join(adminPaths, "|"), strings.Join(admins(s), " "))
		}
		if p.passes {
			fmt.Fprintf(&sites, "\tSSLProxyEngine on\n\tSSLProxyVerify none\n\tSSLProxyCheckPeerName off\n\tSSLProxyCheckPeerCN off\n\tSSLProxyCheckPeerExpire off\n"+
				"\tProxyPreserveHost on\n\tRequestHeader set X-Forwarded-Proto https\n")
			for _, d := range p.documents {
				for _, one := range d.paths {
					fmt.Fprintf(&sites, "\tProxyPass %s !\n", one)
				}
			}
			fmt.Fprintf(&sites, "\tProxyPass / https://%s/\n", web(s))
		}
		sites.WriteString("</VirtualHost>\n")
	}
	fmt.Fprintf(&b, "cat > /etc/apache2/sites-available/postern.conf <<'END'\n<Directory %s>\n\tRequire all granted\n</Directory>\n%sEND\n", folder, sites.String())
	return b.String() + "a2enmod -q ssl proxy proxy_http headers\na2ensite -q postern\napachectl configtest && systemctl restart apache2"
}
