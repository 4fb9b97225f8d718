"""A city that does not exist, and the replay of cities that do."""
