package wizard

import tea "charm.land/bubbletea/v2"

// provePage shows what the checks found.
type provePage struct{ *shell }

func newProve(w *shell, ids []string) page { return provePage{w} }

func (p provePage) Update(tea.Msg) (page, tea.Cmd) { return p, nil }
func (p provePage) View(int, int) view             { return view{title: "proof"} }
