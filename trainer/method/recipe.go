package method

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// RecipeSetting is the setting of every method that its others, and its
// Training, start from. Its values are Recipes.
const RecipeSetting = "recipe"

// Recipes are where settings start from: "small", the default, is for small
// images and short runs; "paper" is what was published.
func Recipes() []string { return []string{"small", "paper"} }

// recipe is the value of that setting.
type recipe struct {
	paper     bool
	settings  *flag.FlagSet
	published map[string]string
}

// bind adds the setting. published are the settings that are others in the
// paper.
func (r *recipe) bind(settings *flag.FlagSet, published map[string]string) {
	r.settings, r.published = settings, published
	usage := "what the settings and the training start from: small, or paper, as published:"
	for _, key := range slices.Sorted(maps.Keys(published)) {
		usage += " " + key + "=" + published[key]
	}
	settings.Var(r, RecipeSetting, usage)
}

// String implements flag.Value.
func (r *recipe) String() string {
	if r.paper {
		return "paper"
	}
	return "small"
}

// Set implements flag.Value.
func (r *recipe) Set(name string) error {
	if !slices.Contains(Recipes(), name) {
		return fmt.Errorf("want one of %s", strings.Join(Recipes(), ", "))
	}
	if r.paper = name == "paper"; !r.paper {
		return nil
	}
	for key, value := range r.published {
		if err := r.settings.Set(key, value); err != nil {
			return fmt.Errorf("published %s: %w", key, err)
		}
	}
	return nil
}

// published are settings as others have them, and some more: names and values.
func published(others map[string]string, more ...string) map[string]string {
	all := maps.Clone(others)
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}
