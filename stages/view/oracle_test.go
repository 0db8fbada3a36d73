package view

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/schemas/safetensors"
	"selfstream/stages/oracletest"
)

// TestDistortionsOracle compares every operation with torchvision on PIL
// images. Tensors are named by operation and parameters, such as hue_-0.1.
func TestDistortionsOracle(t *testing.T) {
	oracletest.Each(t, "distortions*", func(t *testing.T, f oracletest.Case) {
		tensor, ok := f.Tensor("image")
		if !ok {
			t.Fatal("no tensor named image")
		}
		src := &RGB{W: tensor.Shape[1], H: tensor.Shape[0], Pix: tensor.Data}
		for _, want := range f.Tensors {
			if want.Name == "image" {
				continue
			}
			t.Run(want.Name, func(t *testing.T) {
				if strings.HasPrefix(want.Name, "resized_crop_bicubic_") {
					t.Skip("views are resized bilinearly")
				}
				have := distort(t, src, want.Name)
				compare(t, have, want)
			})
		}
	})
}

// distort does to src what an oracle's name says.
func distort(t *testing.T, src *RGB, name string) *RGB {
	words := strings.Split(name, "_")
	var args []float64
	for len(words) > 0 {
		x, err := strconv.ParseFloat(words[len(words)-1], 64)
		if err != nil {
			break
		}
		args = append([]float64{x}, args...)
		words = words[:len(words)-1]
	}
	arg := func(i int) float64 {
		if i >= len(args) {
			t.Fatalf("%s: have %d arguments, want more", name, len(args))
		}
		return args[i]
	}
	c := canvasOf(src)
	d := Drawn{Brightness: 1, Contrast: 1, Saturation: 1, Order: [4]int{0, 1, 2, 3}}
	switch op := strings.Join(words, "_"); op {
	case "brightness":
		d.Brightness = arg(0)
		d.recolor(c)
	case "contrast":
		d.Contrast = arg(0)
		d.recolor(c)
	case "saturation":
		d.Saturation = arg(0)
		d.recolor(c)
	case "hue":
		d.Hue = arg(0)
		d.recolor(c)
	case "grayscale":
		gray(c)
	case "solarize":
		solarize(c, int(arg(0)))
	case "hflip":
		return resized(src, src.Bounds(), src.W, src.H, true)
	case "blur":
		new(blurrer).blur(c, arg(0))
	case "resized_crop":
		top, left, h, w, size := int(arg(0)), int(arg(1)), int(arg(2)), int(arg(3)), int(arg(4))
		return resized(src, image.Rect(left, top, left+w, top+h), size, size, false)
	default:
		t.Fatalf("unknown operation %q", op)
	}
	img := NewRGB(src.W, src.H)
	c.write(img.Pix)
	return img
}

// compare allows what 8 bits and other roundings cost.
func compare(t *testing.T, have *RGB, want safetensors.Tensor) {
	if !slices.Equal([]int{have.H, have.W, 3}, want.Shape) {
		t.Fatalf("shape: have %d×%d×3, want %v", have.H, have.W, want.Shape)
	}
	meanLimit, offLimit := 1.0, 0.005
	values := make([]float64, len(have.Pix))
	switch want.DType {
	case "U8":
		for i, v := range want.Data {
			values[i] = float64(v)
		}
	case "F32":
		meanLimit = 0.5
		floats, err := safetensors.Float32s(want)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range floats {
			values[i] = float64(v)
		}
	default:
		t.Fatalf("type: have %s, want U8 or F32", want.DType)
	}
	if strings.HasPrefix(want.Name, "hue") {
		offLimit = 0.02
	}
	var sum, worst float64
	off := 0
	for i, v := range values {
		diff := math.Abs(float64(have.Pix[i]) - v)
		sum += diff
		worst = max(worst, diff)
		if diff > 4 {
			off++
		}
	}
	n := float64(len(values))
	t.Logf("mean difference %.4f, worst %.2f, %d values off by more than 4", sum/n, worst, off)
	if sum/n > meanLimit || float64(off)/n > offLimit {
		t.Errorf("have mean difference %.3f and %.2f%% off by more than 4, want at most %g and %g%%", sum/n, 100*float64(off)/n, meanLimit, 100*offLimit)
	}
}

// TestRandomResizedCropOracle compares quantiles of what is drawn with those of
// torchvision's RandomResizedCrop.get_params: within 2 % of the range.
func TestRandomResizedCropOracle(t *testing.T) {
	oracletest.Each(t, "random_resized_crop_*", func(t *testing.T, f oracletest.Case) {
		var scale, ratio [2]float64
		var w, h int
		if err := errors.Join(
			json.Unmarshal([]byte(f.Metadata["scale"]), &scale),
			json.Unmarshal([]byte(f.Metadata["ratio"]), &ratio),
			scanSize(f.Metadata["source"], &w, &h),
		); err != nil {
			t.Fatalf("reading metadata %v: %v", f.Metadata, err)
		}
		crop := schemas.Crop{ScaleMin: scale[0], ScaleMax: scale[1], RatioMin: ratio[0], RatioMax: ratio[1]}

		const n = 40_000
		have := map[string][]float64{}
		for i := range n {
			box := drawBox(crop, w, h, Key(1, 0, int64(i), 0))
			bw, bh := float64(box.Dx()), float64(box.Dy())
			for name, x := range map[string]float64{
				"area": bw * bh / float64(w*h), "log_aspect": math.Log(bw / bh),
				"top": float64(box.Min.Y), "left": float64(box.Min.X),
			} {
				have[name] = append(have[name], x)
			}
		}
		quantiles := tensor(t, f.File, "quantiles")
		for name, reach := range map[string]float64{
			"area": scale[1] - scale[0], "log_aspect": math.Log(ratio[1] / ratio[0]),
			"top": float64(h), "left": float64(w),
		} {
			slices.Sort(have[name])
			for i, want := range tensor(t, f.File, name) {
				if have := have[name][int(quantiles[i]*n)]; math.Abs(have-want) > 0.02*reach {
					t.Errorf("%s, quantile %g: have %g, want %g", name, quantiles[i], have, want)
				}
			}
		}
	})
}

// scanSize reads "… image 375x500 (HxW)".
func scanSize(source string, w, h *int) error {
	_, size, _ := strings.Cut(source, "image ")
	_, err := fmt.Sscanf(size, "%dx%d", h, w)
	return err
}

func tensor(t *testing.T, f *safetensors.File, name string) []float64 {
	want, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("no tensor named %s", name)
	}
	values, err := safetensors.Float64s(want)
	if err != nil {
		t.Fatal(err)
	}
	return values
}
