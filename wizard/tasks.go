package wizard

import (
	tea "charm.land/bubbletea/v2"

	"postern/steps"
)

// tasksPage shows what is left for a person.
type tasksPage struct{ *shell }

func newTasks(w *shell, step string, tasks []steps.Task) page { return tasksPage{w} }

func (p tasksPage) Update(tea.Msg) (page, tea.Cmd) { return p, nil }
func (p tasksPage) View(int, int) view             { return view{title: "for you"} }
