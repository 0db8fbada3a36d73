package view

// gray takes the colour away.
func gray(c *canvas) { recolor(c.r, c.g, c.b, []change{{kind: toGray}}) }
