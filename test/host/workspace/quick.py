print("gone at once")
