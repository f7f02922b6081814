"""What `biolake demo` lands: one real dataset that a dependency ships, and small files made up here and marked so."""
