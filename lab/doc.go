// Package main is the lab: two real Debian hosts, booted with their own
// systemd, in a network like the one the users have, for tests and for people.
//
// It knows namespaces, mounts, cgroups and apt. It refuses to know anything of
// the program it is a test bed for, except how to build it for the laptop.
// Nothing imports it; its end-to-end tests stand beside it.
//
//	laptop 192.168.50.10 ─┐                           ┌─ proxy 203.0.113.10
//	mail   192.168.50.2  ─┴─ gw (NAT) 198.51.100.20 ─ inet
//	                                                  └─ world 198.51.100.77
//
// In world is the mail exchanger of external.test; mail is a mail server when asked for. In inet are the certificate authorities of the world.
package main
