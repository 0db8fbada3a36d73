package snapshot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas/safetensors"
)

// dtypeNames are the names that safetensors has for GoMLX's types.
var dtypeNames = map[dtypes.DType]string{
	dtypes.Float32: "F32", dtypes.Float64: "F64", dtypes.BFloat16: "BF16", dtypes.Float16: "F16",
	dtypes.Int32: "I32", dtypes.Int64: "I64", dtypes.Uint8: "U8", dtypes.Uint32: "U32", dtypes.Uint64: "U64",
	dtypes.Bool: "BOOL",
}

// marshal writes the variables below scope, in the order of their paths, each
// named by its path below scope. Equal variables give equal bytes.
func marshal(store *model.Store, scope string) ([]byte, error) {
	var vars []*model.Variable
	for v := range store.IterVariables() {
		if strings.HasPrefix(v.Path(), scope+model.ScopeSeparator) {
			vars = append(vars, v)
		}
	}
	slices.SortFunc(vars, func(a, b *model.Variable) int { return cmp.Compare(a.Path(), b.Path()) })
	var f safetensors.File
	for _, v := range vars {
		t, err := tensorOf(v, strings.TrimPrefix(v.Path(), scope+model.ScopeSeparator))
		if err != nil {
			return nil, err
		}
		f.Tensors = append(f.Tensors, t)
	}
	return f.Marshal()
}

func tensorOf(v *model.Variable, name string) (safetensors.Tensor, error) {
	value, err := v.Value()
	if err != nil {
		return safetensors.Tensor{}, fmt.Errorf("reading variable %s: %w", v.Path(), err)
	}
	dtype, ok := dtypeNames[value.DType()]
	if !ok {
		return safetensors.Tensor{}, fmt.Errorf("reading variable %s: safetensors has no type %s", v.Path(), value.DType())
	}
	t := safetensors.Tensor{Name: name, DType: dtype, Shape: slices.Clone(value.Shape().Dimensions)}
	err = value.ConstBytes(func(data []byte) { t.Data = slices.Clone(data) })
	if err != nil {
		return t, fmt.Errorf("reading variable %s: %w", v.Path(), err)
	}
	return t, nil
}

// unmarshal returns a new store with the tensors of a file as variables below
// scope.
func unmarshal(data []byte, scope string) (*model.Store, error) {
	f, err := safetensors.Parse(data)
	if err != nil {
		return nil, err
	}
	store := model.NewStore()
	for _, t := range f.Tensors {
		value, err := valueOf(t)
		if err != nil {
			return nil, err
		}
		if _, err := store.CreateVariable(scope+model.ScopeSeparator+t.Name, value); err != nil {
			return nil, fmt.Errorf("creating variable %s: %w", t.Name, err)
		}
	}
	return store, nil
}

func valueOf(t safetensors.Tensor) (*tensors.Tensor, error) {
	for dtype, name := range dtypeNames {
		if name == t.DType {
			value := tensors.FromShape(shapes.Make(dtype, t.Shape...))
			err := value.MutableBytes(func(to []byte) { copy(to, t.Data) })
			return value, err
		}
	}
	return nil, fmt.Errorf("tensor %s has type %s, which no variable has", t.Name, t.DType)
}
