package drop

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Setting is a line of a SettingsFile.
type Setting struct {
	Name, Value string
	Line        int // from 1
}

// ParseSettings reads a SettingsFile: a YAML mapping of names to values.
//
//	batch: 8              one setting
//	method: [a, b]        one for each value
//	set: {dim: 8}         one for each pair, with the value dim=8
func ParseSettings(text []byte) ([]Setting, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil // empty, or comments alone
		}
		return nil, fmt.Errorf("want YAML: %w", err)
	}
	root := doc.Content[0]
	switch {
	case root.Tag == "!!null":
		return nil, nil
	case root.Kind != yaml.MappingNode:
		return nil, fmt.Errorf("line %d: want lines such as \"epochs: 20\"", root.Line)
	}
	var all []Setting
	seen := map[string]bool{}
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: want a name before the colon", key.Line)
		}
		if seen[key.Value] {
			return nil, fmt.Errorf("line %d: %s is set twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		values, err := flatten(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", key.Line, key.Value, err)
		}
		for _, v := range values {
			all = append(all, Setting{key.Value, v, key.Line})
		}
	}
	return all, nil
}

// flatten returns the values that a node stands for.
func flatten(node *yaml.Node) ([]string, error) {
	nodes, pairs := node.Content, node.Kind == yaml.MappingNode
	if node.Kind == yaml.ScalarNode {
		nodes = []*yaml.Node{node}
	}
	var texts []string
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			return nil, errors.New("want a value")
		}
		texts = append(texts, n.Value)
	}
	if len(texts) == 0 {
		return nil, errors.New("want a value")
	}
	if !pairs {
		return texts, nil
	}
	var values []string
	for i := 0; i < len(texts); i += 2 {
		values = append(values, texts[i]+"="+texts[i+1])
	}
	return values, nil
}
