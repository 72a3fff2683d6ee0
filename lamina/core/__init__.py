"""What models are made of: variables, symbolic tensors, nodes, graphs and layers."""
