package method

import (
	"testing"

	"selfstream/schemas"
)

// TestRecipes pins what the methods ask for against what was published.
func TestRecipes(t *testing.T) {
	half := schemas.Jitter{P: 0.8, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1} // SimCLR, strength 0.5
	byol := schemas.Jitter{P: 0.8, Brightness: 0.4, Contrast: 0.4, Saturation: 0.2, Hue: 0.1} // BYOL, table 6
	halfBYOL := schemas.Jitter{P: 0.8, Brightness: 0.2, Contrast: 0.2, Saturation: 0.1, Hue: 0.05}
	full := schemas.Jitter{P: 0.8, Brightness: 0.8, Contrast: 0.8, Saturation: 0.8, Hue: 0.2} // SimCLR, strength 1
	sigma := func(p, largest float64) schemas.Blur { return schemas.Blur{P: p, SigmaMin: 0.1, SigmaMax: largest} }
	for _, tc := range []struct {
		method   string
		settings map[string]string
		size     int
		jitter   schemas.Jitter
		blur     [2]schemas.Blur
		solarize float64 // probability in the second view; never in the first
		crop     float64
	}{
		{"simclr", nil, 32, half, [2]schemas.Blur{}, 0, 0.2},
		{"simclr", nil, 64, half, [2]schemas.Blur{}, 0, 0.2},
		{"simclr", nil, 112, half, [2]schemas.Blur{sigma(0.5, 1), sigma(0.5, 1)}, 0, 0.2},
		{"simclr", map[string]string{"jitter": "1", "crop": "0.08"}, 224, full, [2]schemas.Blur{sigma(0.5, 2), sigma(0.5, 2)}, 0, 0.08},
		{"barlow", nil, 32, halfBYOL, [2]schemas.Blur{}, 0.2, 0.2},
		{"barlow", map[string]string{"jitter": "1", "crop": "0.08"}, 224, byol, [2]schemas.Blur{sigma(1, 2), sigma(0.1, 2)}, 0.2, 0.08},
		{"barlow", map[string]string{"recipe": "paper"}, 64, byol, [2]schemas.Blur{sigma(1, 4./7), sigma(0.1, 4./7)}, 0.2, 0.08},
		{"byol", map[string]string{"recipe": "paper"}, 8, byol, [2]schemas.Blur{sigma(1, 0.1), sigma(0.1, 0.1)}, 0.2, 0.08},
		{"simclr", map[string]string{"recipe": "paper"}, 64, full, [2]schemas.Blur{}, 0, 0.08},
		{"byol", nil, 32, halfBYOL, [2]schemas.Blur{}, 0.2, 0.2},
		{"byol", map[string]string{"jitter": "1", "crop": "0.08"}, 224, byol, [2]schemas.Blur{sigma(1, 2), sigma(0.1, 2)}, 0.2, 0.08},
	} {
		m, err := New(tc.method, tc.settings)
		if err != nil {
			t.Fatal(err)
		}
		views := m.Recipe(tc.size).Views
		if len(views) != 2 {
			t.Fatalf("%s: have %d views, want 2", tc.method, len(views))
		}
		for i, v := range views {
			want := schemas.View{
				Size: tc.size, Flip: 0.5, Gray: 0.2, Jitter: tc.jitter, Blur: tc.blur[i],
				Crop: schemas.Crop{ScaleMin: tc.crop, ScaleMax: 1, RatioMin: 3. / 4, RatioMax: 4. / 3},
			}
			if i == 1 && tc.solarize > 0 {
				want.Solarize = schemas.Solarize{P: tc.solarize, Threshold: 128}
			}
			if v != want {
				t.Errorf("%s at %d pixels, view %d: have %+v, want %+v", tc.method, tc.size, i, v, want)
			}
		}
	}
}
