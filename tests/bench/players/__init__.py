"""A million players on all boards: the product's rankings beside other ways to keep them."""
