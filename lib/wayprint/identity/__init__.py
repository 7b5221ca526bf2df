"""Who is who: observations, edges, guards, components, persons."""
