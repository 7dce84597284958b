//go:build linux

package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// mailcowFiles are the lab's Mailcow: its tree, laid out as Mailcow's, with the same services, ports and settings; and what its one image
// has beside the mail host's own files.
//
//go:embed testdata/mailcow
var mailcowFiles embed.FS

const (
	mailcowDir      = "/opt/mailcow-dockerized"
	mailcowPackages = mailPackages + ",redis-server,nginx-light,sqlite3,procps,libc-bin"
	postfixMailcow  = "mailcowdockerized-postfix-mailcow-1"
	redisMailcow    = "mailcowdockerized-redis-mailcow-1"
)

// asMailcow makes of a mail host's settings those of its containers, which find each other by name.
var asMailcow = map[string]*strings.Replacer{
	"etc/postfix/main.cf": strings.NewReplacer("smtpd_sasl_path = private/auth", "smtpd_sasl_path = inet:dovecot:10001", "lmtp:unix:private/dovecot-lmtp", "lmtp:inet:dovecot:24",
		"inet:127.0.0.1:11332", "inet:rspamd:9900", "postscreen_access_list = permit_mynetworks", "mynetworks_style = subnet\npostscreen_access_list = permit_mynetworks, cidr:/opt/postfix/conf/custom_postscreen_whitelist.cidr"),
	"etc/dovecot/dovecot.conf": strings.NewReplacer("unix_listener /var/spool/postfix/private/auth {\n    mode = 0660\n    user = postfix\n    group = postfix", "inet_listener sasl {\n    port = 10001",
		"unix_listener /var/spool/postfix/private/dovecot-lmtp {\n    mode = 0600\n    user = postfix\n    group = postfix", "inet_listener lmtp {\n    port = 24"),
}

// finishMailcow is the script that makes the users of the image.
const finishMailcow = `set -e
chroot "$1" useradd -r -m -d /var/vmail -s /usr/sbin/nologin vmail
install -d -m 755 "$1"/opt/postfix/conf "$1"/data "$1"/var/lib/mysql "$1"/var/lib/rspamd/dkim
echo '` + mailUser + ":{PLAIN}" + mailPassword + `' >"$1"/etc/dovecot/users
`

func mailcowPath(suite string) string {
	from := []string{mailcowPackages, finishMailcow}
	for _, files := range []embed.FS{mailFiles, mailcowFiles} {
		_ = fs.WalkDir(files, "testdata", func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasPrefix(path, "testdata/mailcow/tree/") {
				text, _ := files.ReadFile(path)
				from = append(from, path, string(text))
			}
			return nil
		})
	}
	return cached("mailcow", suite, from...)
}

// makeMailcow makes a directory with image.tar, for docker import.
func makeMailcow(ctx context.Context, suite, dir string) error {
	root := filepath.Join(dir, "root")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := bootstrap(ctx, suite, root, "minbase", mailcowPackages, finishMailcow); err != nil {
		return err
	}
	if err := errors.Join(putMailFiles(suite, root), putTree(mailcowFiles, "testdata/mailcow/image", root)); err != nil {
		return err
	}
	for path, change := range asMailcow {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		if err := put(filepath.Join(root, path), change.Replace(string(text)), 0o644); err != nil {
			return err
		}
	}
	_, err := run(ctx, "tar", "-C", root, "--exclude=./usr/share/doc", "--exclude=./usr/share/locale", "--exclude=./usr/share/man",
		"--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*", "--exclude=./dev/*", "-cf", filepath.Join(dir, "image.tar"), ".")
	return errors.Join(err, removeTree(root))
}

// putMailcow writes its tree.
func (l *Lab) putMailcow(tree string) error {
	if err := errors.Join(putTree(mailcowFiles, "testdata/mailcow/tree", tree), os.Chmod(filepath.Join(tree, "mailcow.conf"), 0o600), os.Symlink("mailcow.conf", filepath.Join(tree, ".env"))); err != nil {
		return err
	}
	for _, name := range []string{"main.cf", "master.cf"} {
		text, err := mailFiles.ReadFile("testdata/mailhost/both/etc/postfix/" + name)
		if err != nil {
			return err
		}
		if name == "main.cf" {
			text = []byte(asMailcow["etc/postfix/main.cf"].Replace(string(text)) + "\n# DO NOT EDIT ANYTHING BELOW #\n# Overrides #\n")
		}
		if err := put(filepath.Join(tree, "data/conf/postfix", name), string(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// raiseMailcow makes a Mailcow on mail as it is after a year: in its own folder, on all addresses, with certificates of its own.
func (l *Lab) raiseMailcow(ctx context.Context) error {
	tree := filepath.Join(l.dir("mail", "root"), mailcowDir)
	ssl := filepath.Join(tree, "data/assets/ssl")
	if err := errors.Join(l.putMailcow(tree), os.MkdirAll(ssl, 0o755)); err != nil {
		return err
	}
	if _, err := run(ctx, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/CN=mail.example.org",
		"-addext", "subjectAltName=DNS:mail.example.org", "-keyout", filepath.Join(ssl, "key.pem"), "-out", filepath.Join(ssl, "cert.pem")); err != nil {
		return err
	}
	image, err := os.Open(filepath.Join(mailcowPath(l.Suite), "image.tar"))
	if err != nil {
		return err
	}
	defer image.Close()
	cmd, err := l.Command(ctx, "mail", "sh", "-ec", "docker import - lab/mailcow && cd "+mailcowDir+" && docker compose up -d")
	if err != nil {
		return err
	}
	cmd.Stdin = image
	if _, err := runCmd(cmd); err != nil {
		return fmt.Errorf("mailcow: %w", err)
	}
	return l.awaitMail(ctx, "192.168.50.2")
}

// mailBox is the container that takes mail.
func (l *Lab) mailBox() string {
	if l.Mail == "mailcow" {
		return postfixMailcow
	}
	return "mail"
}
